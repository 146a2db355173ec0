"""Reports by mail: who gets which, what was sent to whom, and what became of it. Nobody gets one twice."""
