"""Pictures drawn anew: what was written beside the pixels (place, device, owner, hidden files) stays behind."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import IO

from django.conf import settings
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from opinion.attachments.kinds import KINDS, FileRefused, Kind

# The picture itself and nothing that lies beside it; one thread, as the other formats have.
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

# The longest side kept: enough to read a meter or a name plate in the picture.
LONGEST, SMALL = 4096, 360
QUALITY, SMALL_QUALITY = 85, 75
MEGAPIXEL = 1_000_000
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    ZeroDivisionError,
)


@dataclass(frozen=True)
class Picture:
    """kind: what it is kept as, mostly what it came as. small: a JPEG for lists."""

    kind: Kind
    content: bytes
    small: bytes


def redraw(stream: IO[bytes], kind: Kind) -> Picture:
    """Turned as the camera held it, no larger than need be. Raises FileRefused."""
    stream.seek(0)
    try:
        with Image.open(stream, formats=[kind.picture]) as image:
            _refuse_huge(image)
            # A JPEG is read at a fraction of its size where that is enough.
            image.draft("RGB", (LONGEST, LONGEST))
            image.load()
            return _drawn(image, kind)
    except FileRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _huge() from None
    except _BROKEN:
        # Pillow raises what its decoders raise; each means that these are not the pixels they claim to be.
        raise FileRefused("是损坏或不完整的图片，可能没有传完，请重新拍摄或上传") from None


def _huge() -> FileRefused:
    return FileRefused(f"的像素超过 {settings.HUIYIN_IMAGE_MEGAPIXELS} 百万，请缩小后上传")


def _refuse_huge(image: Image.Image) -> None:
    if image.width * image.height > settings.HUIYIN_IMAGE_MEGAPIXELS * MEGAPIXEL:
        raise _huge()


def _drawn(image: Image.Image, kind: Kind) -> Picture:
    orientation = image.getexif().get(_ORIENTATION, 1)
    kept = KINDS[kind.drawn_as] if kind.drawn_as else kind
    see_through = kind.picture != "JPEG" and (
        image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    )
    plain = image.convert("RGBA" if see_through else "RGB")
    plain.thumbnail((LONGEST, LONGEST))
    # A new image has nothing but pixels; saving one that was read would carry its notes along.
    fresh = Image.new(plain.mode, plain.size)
    fresh.paste(plain)
    if turned := _TURNS.get(orientation):
        fresh = fresh.transpose(turned)
    small = ImageOps.pad(_on_white(fresh), (SMALL, SMALL * 3 // 4), color="#e9edf2")
    if kept.picture == "JPEG":
        fresh = _on_white(fresh)
    return Picture(kept, _saved(fresh, kept.picture, QUALITY), _saved(small, "JPEG", SMALL_QUALITY))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _saved(image: Image.Image, picture: str, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, picture, **({} if picture == "PNG" else {"quality": quality}))
    return out.getvalue()


_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
