#!/usr/bin/env bash
# Everything that wants a GPU, in commands that can be stopped and given again, on a
# machine that has PyTorch and this checkout but no Snakemake, git or network:
#
#   benchmarks/gpu_session.sh plan PLAN                     # before: where Snakemake is
#   benchmarks/gpu_session.sh check OUTPUT PLAN             # 1. against the CPU; speed
#   benchmarks/gpu_session.sh train OUTPUT PLAN freyfaces mnist/standard mnist/iop
#   benchmarks/gpu_session.sh train OUTPUT PLAN mnist bone-marrow omniglot-rebuilt
#   benchmarks/gpu_session.sh stopped OTHER PLAN            # of what still trains
#
# Datasets, or single pairs, are taken in the order given; what is finished is skipped.
# JOBS=3 trains three pairs side by side, which pays under NVIDIA's multi-process service
# (nvidia-cuda-mps-control -d); PRECISION=tensorfloat32 takes the plan in that precision;
# COMPILE=1 compiles the steps, where a compiler is; AUDIT has more words for models.audit;
# CONFIGURATION is what the records say of where the settings are from. The lines of PLAN
# can be edited: other seeds, another rate; but not of a pair that has been begun.
# PLAN and the data, data/NAME.npz, travel in a folder that git ignores; PLAN names the
# commit, too. After each pair OUTPUT/results.tar.gz holds all scores, audits, curves and
# records so far, with WEIGHTS=1 the weights, too: a command that is stopped has lost no
# finished pair, and the same command given again on the same machine goes on from the
# checkpoint of the unfinished one. Before the machine goes, `stopped` does the same for
# the seeds that have stopped of pairs that still train, in a folder of its own.
set -euo pipefail
device=${DEVICE:-cuda} # cpu for a rehearsal
python=${PYTHON:-python3}
cd "$(dirname "$0")/.."
what=${1:?plan, check, train or stopped}
# else each process that compiles starts as many compilers as there are cores
export TORCHINDUCTOR_COMPILE_THREADS=${TORCHINDUCTOR_COMPILE_THREADS:-1}
# what is finished in one precision is not in another
place=results/gpu${PRECISION:+-$PRECISION}
label=${CONFIGURATION:-gpu}

# measure the runs of a pair, once
measure() {
    local kind=$3 table=$place/$3/$1/$2.csv module=models.evaluate words=
    [[ $kind == audit ]] && module=models.audit words=${AUDIT:-}
    # shellcheck disable=SC2086  # words are words
    [[ -e $table ]] ||
        $python -m $module --data "data/$1.npz" --device "$device" \
            --runs "$place/runs/$1/$2"/seed* --output "$table" \
            --configuration "$label" $words </dev/null
}

# what Figure 1 shows of a pair of OneHot, once
sample() {
    local table=$place/posterior/$1/$2.csv
    [[ -e $table ]] ||
        $python -m models.posterior --data "data/$1.npz" --output "$table" \
            --runs "$place/runs/$1/$2/seed0" --device "$device" </dev/null
}

# one at a time; tar says 1 where another pair wrote meanwhile, in a file not yet whole
pack() (
    flock 9
    out=(--exclude='*.checkpoint')
    [[ ${WEIGHTS:-} ]] || out+=(--exclude='*weights.npz')
    tar czf "$output/results.tar.gz.part" "${out[@]}" "$place" || [[ $? == 1 ]] || return
    mv "$output/results.tar.gz.part" "$output/results.tar.gz"
) 9>"$output/.lock"

# score, pack. Audit or samples come last, as long as weights are here: a pair without
# them has lost nothing else
score() {
    measure "$1" "$2" scores && pack &&
        if [[ $1 == onehot ]]; then sample "$@"; else measure "$1" "$2" audit; fi && pack
}

# whether a pair below a folder was begun with these flags
as_planned() {
    local kept=$1/runs/$2/$3.plan
    if [[ ! -e $kept ]]; then
        mkdir -p "${kept%/*}"
        echo "$4" >"$kept.part" && mv "$kept.part" "$kept"
    elif [[ $(<"$kept") != "$4" ]]; then
        echo "error: $2 $3: begun with other flags, $(<"$kept"); move $1 away first" >&2
        return 1
    fi
}

# one pair: train, score; what fails stops this pair and no other
pair() {
    as_planned "$place" "$@" || return
    if [[ ! -e $place/scores/$1/$2.csv ]]; then # not finished by an earlier command
        # shellcheck disable=SC2086  # the flags are words
        $python -m models.train --data "data/$1.npz" --device "$device" \
            --output "$place/runs/$1/$2" --configuration "$label" \
            $3 ${PRECISION:+--precision "$PRECISION"} \
            ${COMPILE:+--compile} </dev/null
    fi && score "$@"
}

# copies of a pair's seeds that have stopped, under $place, unless the pair has scores
copy_stopped() {
    local record
    [[ ! -e $1/scores/$2/$3.csv ]] || return
    for record in "$1/runs/$2/$3"/seed*/record.json; do
        [[ -e $record ]] || return # none
        mkdir -p "$place/runs/$2/$3"
        cp -r "${record%/*}" "$place/runs/$2/$3/"
    done
}

# a pair, and how it ended
finish() {
    if pair "$@"; then
        echo "$SECONDS s: $1 $2 finished"
    else
        echo "$SECONDS s: $1 $2 FAILED"
        return 1
    fi
}

# what the code that trains and scores does, for a machine without git
facts() {
    $python - <<'END'
from models.provenance import fingerprint
print("# code", fingerprint(("models",)))
END
}

# say the plan's commit in every record, if its code is the code that is here
take_commit() {
    if [[ $(sed -n '/^# code/p' "$1") != "$(facts)" ]]; then
        echo "error: $1: not of this code; make the plan anew" >&2
        exit 1
    fi
    IOP_REPRO_COMMIT=$(sed -n 's/^# commit //p' "$1")
    export IOP_REPRO_COMMIT
}

case $what in
plan)
    {
        echo "# commit $($python -c 'from models.provenance import commit; print(commit())')"
        facts
        $python -m benchmarks.pairs
    } >"${2:?a file to write}"
    cat "$2"
    ;;
check)
    output=${2:?a folder} plan=${3:?the file that plan wrote}
    take_commit "$plan"
    mkdir -p "$output"
    {
        status=0
        nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || true
        $python -m benchmarks.gpu_check --device "$device" || status=1
        for method in standard vampprior iop; do
            $python -m benchmarks.profiling --device "$device" --method "$method" \
                --precision "${PRECISION:-float32}" || status=1
        done
        $python -m benchmarks.speed --device "$device" --images 10000 --rounds 3 \
            --modes float32 reduced bfloat16 --output "$output" || status=1
        # last, and not for ever: each configuration is compiled anew
        $python -m benchmarks.gpu_check --device "$device" --compile --seconds 200 ||
            echo "the check of compiled steps did not end well, status $?"
        exit $status
    } 2>&1 | tee "$output/check.log"
    ;;
train)
    output=${2:?a folder} plan=${3:?the file that plan wrote}
    shift 3
    : "${1:?a dataset of the plan, or DATASET/METHOD}"
    mkdir -p "$output"
    take_commit "$plan"
    side_by_side=${JOBS:-1}
    if [[ ! $side_by_side =~ ^[1-9][0-9]*$ ]]; then
        echo "error: JOBS: $side_by_side; expected 1 or more" >&2
        exit 2
    fi
    {
        status=0 running=()
        declare -A begun
        for wanted in "$@"; do
            found=
            while read -r dataset method flags || [[ -n $dataset ]]; do
                [[ $wanted == "$dataset" || $wanted == "$dataset/$method" ]] || continue
                found=1
                [[ -z ${begun[$dataset/$method]:-} ]] || continue
                begun[$dataset/$method]=1
                while (($(jobs -rp | wc -l) >= side_by_side)); do
                    wait -n || true # told apart below
                done
                finish "$dataset" "$method" "$flags" &
                running+=($!)
            done <"$plan"
            if [[ -z $found ]]; then # nothing done is no success
                echo "error: $wanted: not in $plan"
                status=1
            fi
        done
        for one in "${running[@]}"; do wait "$one" || status=1; done
        exit $status
    } 2>&1 | tee -a "$output/train.log"
    ;;
stopped)
    output=${2:?a folder} plan=${3:?the file that plan wrote}
    mkdir -p "$output"
    take_commit "$plan"
    training=$place place=$place-stopped status=0
    rm -rf "$place" # an earlier command's
    while read -r dataset method flags || [[ -n $dataset ]]; do
        [[ -d $training/runs/$dataset/$method ]] || continue
        as_planned "$training" "$dataset" "$method" "$flags" || exit
        copy_stopped "$training" "$dataset" "$method" || continue
        score "$dataset" "$method" || status=1
    done < <(sed '/^#/d' "$plan")
    exit $status
    ;;
*)
    echo "error: $what: expected plan, check, train or stopped" >&2
    exit 2
    ;;
esac
