"""Reading, checking, fixing and writing Kaldi's and NIST's files. Nothing here computes."""
