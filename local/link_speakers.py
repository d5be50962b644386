#!/usr/bin/env python3
"""Find the same people in several recordings (steps/link_speakers.sh).

Usage: link_speakers.py [options] <xvector-dir> <model.safetensors> <rttm> <out-dir>

Writes <out-dir>/rttm with global names of speakers, and spk2global, lines '<recording> <speaker> <global
speaker>'. Two speakers of one recording are never linked. Speakers without a window of their own are not
linked, nor are those of recordings whose x-vectors cannot be used, which are listed in failed.

Example: local/link_speakers.py exp/xvectors_campplus/test exp/ae_default/model.safetensors exp/dec_default/test/rttm exp/by_hand/linked
"""

from __future__ import annotations

from pathlib import Path

from dec_cli import program
from dec_cli.speaker_tables import load_each
from diar.base import config
from diar.base.files import write_text
from diar.identity.config import IdentityConfig
from diar.kaldi.rttm import load_rttm, write_rttm
from diar.kaldi.xvector_dir import XVectorDir


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/identity.yaml")
    program.add_paths(parser, "xvector_dir", "model")
    parser.add_argument("rttm", type=Path, help="who speaks in each recording")
    program.add_paths(parser, "out_dir")
    args = parser.parse_args()
    options = config.load(IdentityConfig, args.config, args.set.split())
    if args.check:
        return
    import torch  # and its dependents: after the check

    from diar.autoencoder.network import load_model
    from diar.identity.linking import Speaker, global_names, link, rename
    from diar.identity.profiles import SpeakerProfile, between_of, profiles_of

    torch.set_num_threads(1)
    encoder = load_model(args.model)
    made = load_rttm(args.rttm)
    profiles: dict[Speaker, SpeakerProfile] = {}
    for recording, turns, xvectors in load_each(
        XVectorDir(args.xvector_dir), made.turns, args.out_dir
    ):
        found = profiles_of(xvectors, turns, encoder, options)
        profiles |= {(recording, speaker): profile for speaker, profile in found.items()}
    speakers = sorted({(t.recording, t.speaker) for turns in made.turns.values() for t in turns})
    groups = link(profiles, between_of(encoder), options.linked)
    groups += [[speaker] for speaker in speakers if speaker not in profiles]
    names = global_names(groups)
    linked, sure = [], {}
    for recording, turns in made.turns.items():
        local = {speaker: name for (place, speaker), name in names.items() if place == recording}
        for turn in turns:
            (new,) = rename([turn], local)
            linked.append(new)
            if turn in made.confidences:
                sure[new] = made.confidences[turn]
    lines = [
        f"{recording} {speaker} {names[recording, speaker]}\n" for recording, speaker in speakers
    ]
    write_text(args.out_dir / "spk2global", "".join(lines))
    write_rttm(args.out_dir / "rttm", linked, sure)
    print(
        f"{args.out_dir}: {len(groups)} people among {len(speakers)} speakers of"
        f" {len(made.turns)} recordings"
    )


if __name__ == "__main__":
    program.run(main)
