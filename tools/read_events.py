"""Reads a folder of event files with TensorBoard's own reader and prints what it finds as JSON.

    python tools/read_events.py FOLDER

Needs the `tensorboard` package. tests/unit/base/test_tfevents.cpp compares the output with what
was written.
"""

import hashlib
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
    "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[e.step, e.height, e.width, hashlib.sha256(e.encoded_image_string).hexdigest()]
                     for e in events.Images(tag)] for tag in tags["images"]},
}))
