"""Every day's use of the lines, counted once it is over: by extension, collector, hour and delay of callbacks."""
