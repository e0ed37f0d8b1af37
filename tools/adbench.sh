#!/usr/bin/env bash
# Anomalies by likelihood (Han et al. 2022, ADBench): for each FOLDER/*.npz with rows X and labels y (1 =
# anomaly) the AUROC of log p under the flow that `recipes suggest` writes, and under a mixture of ten
# normals with diagonal covariances.
#
#     tools/adbench.sh FOLDER [OUT [TRAIN OPTIONS]]     such as: ... runs/adbench --set train.steps=500
#
# PROTOCOL=all (default): trained on rows of both kinds without their labels, and all rows are scored.
# PROTOCOL=normal: trained on normal rows alone (of `split=train`), and the tenth held out is scored.
# SEED=0 decides weights and batches; PROGRAM is build/release/pushforward. The errors are DeLong's; `even`:
# apart by less than two of them (as if the two figures were independent, which makes `even` likelier).
set -uo pipefail
[ $# -ge 1 ] && [ -d "$1" ] || { echo "adbench: expected FOLDER [OUT [TRAIN OPTIONS]]" >&2; exit 2; }
folder=$1 out=${2:-runs/adbench}
shift $(($# < 2 ? $# : 2))
program=${PROGRAM:-$(dirname "$0")/../build/release/pushforward} protocol=${PROTOCOL:-all} seed=${SEED:-0}
[[ $protocol =~ ^(all|normal)$ ]] || { echo "adbench: PROTOCOL is all or normal, got $protocol" >&2; exit 2; }
mkdir -p "$out" || exit 5

# after KEY: the number that follows "KEY": in a line of JSON
after() { sed -nE "s/.*\"$1\":([-+.0-9eE]+).*/\1/p" <<< "$2"; }

# last_line FILE: what a command that failed said
last_line() { tail -n 1 "$1"; return 1; }

# model NAME RECIPE SPEC [TRAIN OPTIONS]: trains and scores; prints AUROC and its error
model() {
    "$program" train "$2" --out "$out/$name/$1" --overwrite --quiet --seed "$seed" "${@:4}" \
        --set data.conditional=false > "$out/$name/$1.log" 2>&1 || last_line "$out/$name/$1.log" || return
    local rows=()
    [ "$protocol" = normal ] || rows=(--data "$3")
    local json
    json=$("$program" eval "$out/$name/$1" "${rows[@]}" --metrics auroc -n 100000000 --json --quiet \
        2>> "$out/$name/$1.log") || last_line "$out/$name/$1.log" || return
    json=${json##*\"auroc\":}
    echo "$(after value "$json") $(after stderr "$json")"
}

one() {
    local spec="$1?label=y" look columns constant train
    look=$("$program" data inspect "$spec" --json 2>&1) || { echo "$look" | tail -n 1; return 1; }
    constant=$(grep -oE 'entry [0-9]+ is constant' <<< "$look" | grep -oE '[0-9]+' | paste -sd,)
    [ -z "$constant" ] || spec+="&drop=$constant"
    train=$spec
    [ "$protocol" = all ] || train+="&split=train&only=0"
    mkdir -p "$out/$name" || return 1
    "$program" recipes suggest "$train" --out "$out/$name/flow.toml" --quiet \
        > "$out/$name/suggest.log" 2>&1 || last_line "$out/$name/suggest.log" || return
    # the same data and training, another model
    awk '/^\[/ { skip = ($0 ~ /^\[(model|objective|sample)/)
                 if ($0 == "[model]") print "[model]\nname = \"mixture\"\ncomponents = 10\n" }
         !skip' "$out/$name/flow.toml" > "$out/$name/mixture.toml"
    local flow mixture
    flow=$(model flow "$out/$name/flow.toml" "$spec" "${@:2}") || { echo "flow: $flow"; return 1; }
    # its rate is chosen by the held-out loss (glass: 0.001, 0.01, 0.05 reach 4.97, 3.34, 4.50)
    mixture=$(model mixture "$out/$name/mixture.toml" "$spec" \
        --set train.learning_rate=0.01 "${@:2}") || { echo "mixture: $mixture"; return 1; }
    columns=$(sed -nE 's/.*"shape":\[([0-9]+)\].*/\1/p' <<< "$look")
    [ -z "$constant" ] || columns="$columns-$(tr ',' '\n' <<< "$constant" | wc -l)"
    awk -v name="$name" -v rows="$(after count "$look")" -v columns="$columns" \
        -v anomalous="$(after 1 "${look##*\"classes\":}")" -v flow="$flow" -v mixture="$mixture" 'BEGIN {
            split(flow, f, " "); split(mixture, m, " ")
            far = (f[1] - m[1])^2 > 4 * (f[2]^2 + m[2]^2)
            better = !far ? "even" : f[1] > m[1] ? "flow" : "mixture"
            printf "%-16s %6d %7s %8.1f%%   %.3f +- %.3f   %.3f +- %.3f   %s\n", name, rows, columns,
                100 * anomalous / rows, f[1], f[2], m[1], m[2], better
        }'
}

printf '%-16s %6s %7s %9s   %-14s   %-14s   %s\n' set rows columns anomalies flow mixture better
failed=0
for file in "$folder"/*.npz; do
    name=$(basename "$file" .npz)
    if line=$(one "$file" "$@"); then echo "$line"; else
        printf '%-16s failed: %s\n' "$name" "$line"
        failed=1
    fi
done
exit $failed
