# fish completion for pgedgectl: asks the program itself, so that it cannot be out of date.
function __pgedgectl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete (math (count $words) - 1) -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':directories'
                __fish_complete_directories "$current" ''
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c pgedgectl -f -a '(__pgedgectl_complete)'
