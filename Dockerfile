# Diarization on a CPU. docs/install.md has the commands.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim

# The index of PyTorch's CPU wheels, see its installation page; without it, CUDA is included.
ARG DIAR_TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 DIAR_CACHE=/opt/dec-diarization/cache
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /opt/dec-diarization
COPY . .
# The image includes the networks: nothing is downloaded when it runs.
RUN . ./path.sh && local/fetch.py --voices false && rm -rf "$DIAR_CACHE/wheels" .venv.lock

# To own the output files, run with --user "$(id -u):$(id -g)".
RUN useradd --create-home --uid 1000 diar
USER 1000
ENV LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp
WORKDIR /audio
ENTRYPOINT ["/opt/dec-diarization/.venv/bin/dec-diarize"]
