# Who spoke when, on a CPU. docs/install.md has the commands.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim

# The index of PyTorch's CPU wheels, which its installation page names; without it, CUDA comes along.
ARG DIAR_TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 DIAR_CACHE=/opt/dec-diarization/cache
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /opt/dec-diarization
COPY . .
# The networks are in the image: nothing is fetched when it runs.
RUN . ./path.sh && local/fetch.py --voices false && rm -rf "$DIAR_CACHE/wheels" .venv.lock

# Those who must own what is written add --user "$(id -u):$(id -g)".
RUN useradd --create-home --uid 1000 diar
USER 1000
ENV LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp
WORKDIR /audio
ENTRYPOINT ["/opt/dec-diarization/.venv/bin/dec-diarize"]
