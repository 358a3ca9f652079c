"""``make demo``: a believable MSP on one machine, and the main job played once in the terminal."""
