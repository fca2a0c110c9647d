"""ICC profiles made by hand: primaries, and one gamma for all channels."""

import struct

import numpy as np

# Colours of primaries for the white D50, as ICC profiles state them.
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])


def profile(name: str, space: bytes = b"RGB ", primaries: np.ndarray = P3, gamma: float = 2.2) -> bytes:
    """Return an ICC profile of version 2: primaries, and one gamma for all channels."""

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))

    text = name.encode() + b"\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78 + -(len(text) + 90) % 4),
        b"wtpt": xyz(np.array([0.9642, 1.0, 0.8249])),
    }
    if space == b"RGB ":
        tags |= {key: xyz(primaries[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    else:
        tags[b"kTRC"] = curve
    table, content = struct.pack(">I", len(tags)), b""
    for key, value in tags.items():
        table += struct.pack(">4sII", key, 128 + 4 + 12 * len(tags) + len(content), len(value))
        content += value
    size = 128 + len(table) + len(content)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", space, b"XYZ ") + bytes(12)
    header += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return header + table + content
