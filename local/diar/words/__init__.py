"""Words of a recogniser, and who says them: readers, assignment to speakers, writers, scores.

Words come from CTM, STM, SegLST, the JSON of Whisper and its kin, WebVTT and SRT; they go to CTM, STM, SegLST,
JSON, WebVTT, SRT and plain text.
"""
