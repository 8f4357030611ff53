#!/bin/bash
#SBATCH --job-name=concertina
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
#SBATCH --output=worker-%A_%a.log

# Slurm signals only this shell, which passes the signal on and waits for the worker to publish.
concertina worker "$PLAN" --store "$STORE" --jobs "$SLURM_CPUS_PER_TASK" &
worker=$!
trap 'kill -USR1 "$worker"' USR1 TERM
status=0
wait "$worker" || status=$?
while kill -0 "$worker" 2>/dev/null; do   # a signal ended `wait` before the worker did
    status=0
    wait "$worker" || status=$?
done
exit "$status"   # 75: there is more to do, and the next job continues
