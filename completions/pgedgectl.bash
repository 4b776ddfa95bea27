# bash completion for pgedgectl: asks the program itself, so that it cannot be out of date.
_pgedgectl() {
    local IFS=$'\n' line
    local words=("${COMP_WORDS[@]}") index=$COMP_CWORD
    # readline breaks words at ':' and '='; the program wants them whole.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := -w words -i index
    fi
    local current=${words[index]}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
        :directories) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current") ;;
        :*) ;;
        *) COMPREPLY+=("$(printf '%q' "${line%%$'\t'*}")") ;;
        esac
    done < <("${words[0]}" __complete $((index - 1)) -- "${words[@]:1}" 2>/dev/null)
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$current"
    fi
}
complete -F _pgedgectl pgedgectl
