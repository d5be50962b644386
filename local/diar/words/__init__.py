"""Words of a recogniser and their speakers: readers, assignment to speakers, writers, scores.

Words come from CTM, STM, SegLST, the JSON of Whisper and similar tools, WebVTT and SRT; they go to CTM, STM, SegLST,
JSON, WebVTT, SRT and plain text.
"""
