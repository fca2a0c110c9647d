# The page and the interface of IdenNet on the CPU, for a container whose root file system is read-only:
# docker compose up, or
# docker build -t idennet . && docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8765:8765 -e IDENNET_TOKEN=... idennet
FROM python:3.11-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /build
RUN python -m venv /opt/idennet
COPY constraints.txt ./
RUN /opt/idennet/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -c constraints.txt torch
COPY pyproject.toml hatch_build.py README.md LICENSE THIRD_PARTY.md ./
COPY src src
RUN /opt/idennet/bin/pip install --no-cache-dir -c constraints.txt '.[serve]'

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/idennet /opt/idennet
RUN useradd --system --no-create-home idennet
USER idennet
ENV PATH=/opt/idennet/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
EXPOSE 8765
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/health')"]
ENTRYPOINT ["idennet"]
CMD ["serve", "--host", "0.0.0.0"]
