"""How much one server takes on, so that no client can exhaust it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What is refused; each refusal says which limit it was.

    Attributes:
        photograph_bytes: Of an uploaded photograph, or of one frame of a stream.
        clip_bytes: Of an uploaded clip.
        faces_bytes: Of the embeddings of faces that are to be told apart.
        pixels: Of a photograph or frame; more is refused before it is decoded.
        clip_seconds: Duration of a clip.
        upload_seconds: In which an upload must arrive whole.
        request_seconds: In which a connection must ask for something, and a stream send a frame.
        connections: That are open at the same time.
        photographs: Photographs that are received or read, and requests to tell faces apart, at the same
            time; further ones are told to wait.
        streams: Streams that are open at the same time.
        clips: Clips that wait, are read, or have a result that nobody has deleted.
        keep_seconds: After which the result of a clip is deleted, if nobody did.
    """

    photograph_bytes: int = 32 * 2**20
    clip_bytes: int = 2**30
    faces_bytes: int = 4 * 2**20
    pixels: int = 50_000_000
    clip_seconds: float = 3600
    upload_seconds: float = 120
    request_seconds: float = 20
    connections: int = 200
    photographs: int = 16
    streams: int = 4
    clips: int = 8
    keep_seconds: float = 900
