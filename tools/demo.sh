#!/usr/bin/env bash
# Trains the small demonstration model, draws a grid of what was asked for, and says what is next.
set -euo pipefail
program=$1 run=$2

"$program" train glyphs --out "$run" --overwrite
"$program" sample "$run" -n 100 --condition label=each --out "$run/samples.png" --quiet

cat <<TEXT

Done. Look at
  $run/samples.png    a column for each character that was asked for
  $run/report.html    curves, samples over training, the complete recipe
  $run/               the run folder: weights, checkpoints, metrics

Next:
  $program sample $run -n 64 --condition label=7 --set sample.guidance=3 --out sevens.png
  $program recipes suggest PHOTOS/ --out photos.toml && $program train photos.toml
  $program recipes list
TEXT
