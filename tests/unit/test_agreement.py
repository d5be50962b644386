"""Our scores against NIST's md-eval.pl (and spy-der where it is installed), on perturbed hypotheses."""

import pytest
from benchmark import load_benchmark
from downloads import fetch_or_skip

benchmark = load_benchmark("scoring_agreement")
judges = benchmark.judges


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Reference, hypothesis and UEM of eleven simulated conversations; one has no hypothesis."""
    reference = dict(list(benchmark.simulated().items())[:11])
    ref, hyp, uem = benchmark.write_inputs(reference, tmp_path_factory.mktemp("agreement"))
    lines = hyp.read_text().splitlines(keepends=True)
    hyp.write_text("".join(line for line in lines if " sim004 " not in line))
    return ref, hyp, uem


@pytest.mark.parametrize("judge", ["md_eval", "spyder"])
@pytest.mark.parametrize("name", ["paper", "forgiving", "fair", "full"])
def test_every_recording_agrees(files, judge, name):
    ref, hyp, uem = files
    protocol = benchmark.ScoringConfig().protocols[name]
    if judge == "spyder":
        pytest.importorskip("spyder")
        theirs = judges.spyder(*files, protocol)
    else:
        script = fetch_or_skip(judges.md_eval_script)
        theirs = judges.md_eval(script, *files, protocol)
    evaluation = benchmark.evaluate(
        benchmark.read_rttm(ref),
        benchmark.read_rttm(hyp),
        benchmark.read_uem(uem),
        {name: protocol},
    )
    ders = benchmark.make_frame(evaluation).set_index("recording")
    assert len(ders) == len(theirs) == 11
    for row in evaluation.scores[name]:
        their = theirs[row.recording]
        der, md_eval = ders.loc[row.recording, ["der_%", "der_md_eval_%"]]
        assert md_eval == pytest.approx(their["der"], abs=0.0101)
        ours = (row.scored_s, row.miss_s, row.fa_s, row.conf_md_eval_s)
        assert ours == pytest.approx([their[k] for k in judges.NAMES], abs=0.0101)
        assert der <= md_eval + 1e-9
