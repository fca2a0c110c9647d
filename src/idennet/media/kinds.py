"""Which files are pictures, by name and by content, and what to say of those that are not read."""

from pathlib import Path

SUFFIXES = frozenset(
    [
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".tif", ".tiff"),
        *(".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".avifs"),
        *(".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", ".heic", ".heif"),
    ]
)
"""Files that count as pictures in folders; HEIC is listed so that its refusal is seen, not missed."""

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "DIB", "PPM", "AVIF", "JPEG2000")
"""What Pillow may decode; MPO, several JPEG pictures in one file, comes with JPEG."""

READ = "JPEG, MPO, PNG, GIF, WebP, TIFF, BMP, PPM, AVIF and JPEG 2000"
"""The formats, for messages."""

VIDEO_TYPES = {
    **dict.fromkeys((".mp4", ".m4v"), "video/mp4"),
    **dict.fromkeys((".mpg", ".mpeg", ".vob"), "video/mpeg"),
    **dict.fromkeys((".mts", ".m2ts"), "video/mp2t"),
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
    ".3gp": "video/3gpp",
    ".flv": "video/x-flv",
    ".ogv": "video/ogg",
    ".mxf": "application/mxf",
}
"""Media types of files that count as videos, by suffix."""

VIDEO_SUFFIXES = frozenset(VIDEO_TYPES)

VIDEO = "it is a video, which `idennet detect` and `idennet.Video` read frame by frame"
RAW = "raw camera files are not read; develop them to JPEG or TIFF first"
OTHER = "pictures of this kind are not read; save them as JPEG or PNG first"
_NOT_READ = {
    VIDEO: tuple(sorted(VIDEO_SUFFIXES)),
    RAW: (
        *(".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".raf", ".orf", ".rw2"),
        *(".pef", ".srw", ".raw", ".rwl", ".3fr", ".fff", ".iiq", ".kdc", ".dcr", ".mrw", ".x3f", ".erf"),
    ),
    OTHER: (
        *(".jxl", ".jxr", ".wdp", ".psd", ".psb", ".xcf", ".svg", ".eps", ".exr", ".hdr", ".dds", ".tga"),
        *(".pcx", ".ico", ".icns", ".sgi", ".ras", ".dcm", ".hif", ".qoi", ".bpg", ".fits"),
    ),
}
REASONS = {suffix: reason for reason, suffixes in _NOT_READ.items() for suffix in suffixes}
"""Why files with these suffixes are not read."""

_STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    b"\0\0\0\x0cjP  \r\n\x87\n",
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_NAMED = (
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
)


def is_video(path: Path) -> bool:
    """Say whether a file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def looks_like_picture(start: bytes) -> bool:
    """Say whether the first 64 bytes of a file are those of a picture that can be read."""
    riff = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    return start.startswith(_STARTS) or riff or (start[4:8] == b"ftyp" and _is_avif(start))


def kind_not_read(start: bytes) -> str | None:
    """Return "a PDF document" or the like for the first 64 bytes of a file of a kind that is not read."""
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS and not _is_avif(start):
        return "a HEIC picture"
    return next((name for magic, name in _NAMED if start.startswith(magic)), None)


def _is_avif(start: bytes) -> bool:
    return any(brand in start[8:64] for brand in _AVIF_BRANDS)
