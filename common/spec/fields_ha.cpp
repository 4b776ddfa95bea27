#include "common/spec/fields.hpp"
#include "common/spec/places.hpp"

namespace pgedge {

const Type& ha_type() {
    static const Type type{
        "HighAvailability",
        "What commits of a node with replicas wait for, and which replica may take over.",
        {{.name = "mode",
          .place = at<HaSpec, &HaSpec::mode>,
          .words = {"async", "sync", "quorum"},
          .standard = "async",
          .doc = "async: commits wait for no replica. sync: for each of sync_replicas chosen ones. quorum: for any "
                 "sync_replicas of all that stream. In sync and quorum no commit that was acknowledged is lost in a "
                 "failover.",
          .example = R"("quorum")"},
         {.name = "sync_replicas",
          .kind = Kind::integer,
          .place = at<HaSpec, &HaSpec::sync_replicas>,
          .range = {1, 15},
          .standard = "1",
          .doc = "How many replicas have a commit before it returns. Fewer than the node's hosts. With fewer that "
                 "stream, commits wait for those.",
          .example = "1"},
         {.name = "max_lag_bytes",
          .kind = Kind::integer,
          .place = at<HaSpec, &HaSpec::max_lag_bytes>,
          .range = {0, std::int64_t{1} << 40},
          .standard = "1048576",
          .doc = "In mode async: how far behind the last known position of a lost primary a replica may be and take "
                 "over by itself, in bytes of the log.",
          .example = "1048576"},
         {.name = "lease_ttl",
          .place = at<HaSpec, &HaSpec::lease_ttl>,
          .pattern = &kShortTime,
          .standard = "5500ms",
          .doc =
              "How long a primary that is not heard of keeps its right to be one: 4s to 300s. A failover takes a "
              "little longer than that. A longer one bears longer silence of the store, 0.48 of it, before a healthy "
              "primary is stopped.",
          .example = R"("8s")"},
         {.name = "strict",
          .kind = Kind::boolean,
          .place = at<HaSpec, &HaSpec::strict>,
          .standard = "false",
          .doc = "In mode sync and quorum, when no replica streams: true, commits wait until one does; false, the "
                 "primary goes on alone, and no replica may take over from it until it has caught up.",
          .example = "true"}}};
    return type;
}

}  // namespace pgedge
