#!/usr/bin/python3
"""Writes golden-images/: small images that it draws itself, the pixels that Pillow decodes from
them, and what the resizes of Pillow, OpenCV and a NumPy model of TensorFlow give for some rules.

usage: make_image_cases.py [FOLDER]
(Debian's python3-pil 9.4, python3-numpy and libopencv-imgproc406)

cases.tsv    file, width, height; pixels follow each other in pixels.npy (uint8, RGB)
resized.tsv  file, rule, "bytes" or "floats"; crops follow each other in crops.npy or floats.npy
views.tsv    file, rule, view, "bytes" or "floats"; likewise in view-crops.npy or view-floats.npy
"""
import ctypes
import io
import math
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__),
                                                            "golden-images")
random = np.random.default_rng(20240501)


def drawing(width, height, channels):
    """Waves with an edge and some noise, [height][width][channels] uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = []
    for channel in range(channels):
        plane = 128 + 70 * np.sin(x / (3 + channel) + channel) + 50 * np.cos(y / (2 + channel))
        plane += np.where(x + y > (width + height) * 0.6, 60, -40)
        planes.append(plane + random.normal(0, 12, plane.shape))
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def write(name, data):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)


# ---- JPEG --------------------------------------------------------------------------------------

def jpeg(mode, width=37, height=29, **options):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    pixels = drawing(width, height, channels)
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels, mode)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=options.pop("quality", 88), **options)
    return out.getvalue()


def segments(data):
    """The marker segments up to the first scan, then the rest."""
    at = 2
    while data[at + 1] != 0xDA:
        length = 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        yield data[at:at + length]
        at += length
    yield data[at:]


def with_adobe_transform(data, transform):
    """An Adobe segment that says how the colours are stored: 0 as they are, 2 YCCK."""
    parts = [part for part in segments(data) if part[1] not in (0xE0, 0xEE)]
    adobe = b"\xff\xee" + struct.pack(">H5sHHHB", 14, b"Adobe", 100, 0, 0, transform)
    return data[:2] + adobe + b"".join(parts)


def exif(orientation, big_endian, kind=3):
    order = ">" if big_endian else "<"
    value = struct.pack(order + {1: "B3x", 3: "H2x", 4: "I"}[kind], orientation)
    entries = struct.pack(order + "HHI4s", 0x010F, 2, 2, b"A\0\0\0")
    entries += struct.pack(order + "HHI", 0x0112, kind, 1) + value
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", 2) + entries + struct.pack(order + "I", 0)


def jpeg_files():
    yield "rgb_444.jpg", jpeg("RGB", subsampling=0)
    yield "rgb_422.jpg", jpeg("RGB", subsampling=1)
    yield "rgb_420.jpg", jpeg("RGB", subsampling=2)
    yield "rgb_progressive.jpg", jpeg("RGB", subsampling=2, progressive=True)
    yield "rgb_coarse.jpg", jpeg("RGB", quality=5)
    yield "rgb_stored.jpg", with_adobe_transform(jpeg("RGB", subsampling=0), 0)
    yield "grey.jpg", jpeg("L")
    yield "grey_progressive.jpg", jpeg("L", progressive=True)
    yield "cmyk.jpg", jpeg("CMYK")
    yield "cmyk_progressive.jpg", jpeg("CMYK", progressive=True)
    yield "ycck.jpg", with_adobe_transform(jpeg("CMYK"), 2)
    yield "one_pixel.jpg", jpeg("RGB", 1, 1)
    yield "one_row.jpg", jpeg("RGB", 50, 1)
    yield "one_column.jpg", jpeg("RGB", 1, 50)
    for orientation in range(0, 10):
        kind = {5: 4, 7: 1}.get(orientation, 3)
        block = b"Exif\0\0" + exif(orientation, orientation % 2 == 1, kind)
        yield "exif_%d.jpg" % orientation, jpeg("RGB", 19, 11, exif=block)
    plain = jpeg("RGB")
    yield "garbage_tail.jpg", plain + bytes(range(256))
    parts = list(segments(plain))
    yield "padded.jpg", plain[:2] + parts[0] + b"\0" * 9 + b"".join(parts[1:])


# ---- PNG ---------------------------------------------------------------------------------------

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed_rows(samples, depth):
    """samples [height][width][channels]: rows without filter, packed as PNG packs them."""
    rows = b""
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            packed = row.astype(">u2").tobytes()
        elif depth == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(value), "0%db" % depth) for value in row)
            bits += "0" * (-len(bits) % 8)
            packed = bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits), 8))
        rows += b"\0" + packed
    return rows


def png(colour, depth, interlaced=False, width=13, height=9, extra=b"", pieces=1):
    samples = random.integers(0, 1 << depth, (height, width, CHANNELS[colour]))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    if colour == PALETTE:
        data += chunk(b"PLTE", random.integers(0, 256, 3 << depth).astype(np.uint8).tobytes())
    data += extra
    if interlaced:
        raw = b"".join(packed_rows(samples[y::step_y, x::step_x], depth)
                       for x, y, step_x, step_y in PASSES if x < width and y < height)
    else:
        raw = packed_rows(samples, depth)
    packed = zlib.compress(raw)
    step = -(-len(packed) // pieces)
    for at in range(0, len(packed), step):
        data += chunk(b"IDAT", packed[at:at + step])
    return data + chunk(b"IEND", b"")


def png_files():
    names = {GREY: "grey", RGB: "rgb", PALETTE: "palette", GREY_ALPHA: "grey_alpha", RGBA: "rgba"}
    depths = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16),
              RGBA: (8, 16)}
    for colour, name in names.items():
        for depth in depths[colour]:
            yield "%s_%d.png" % (name, depth), png(colour, depth)
            yield "%s_%d_interlaced.png" % (name, depth), png(colour, depth, True)
    yield "grey_8_trns.png", png(GREY, 8, extra=chunk(b"tRNS", b"\0\x40"))
    yield "rgb_8_trns.png", png(RGB, 8, extra=chunk(b"tRNS", b"\0\1\0\2\0\3"))
    yield "palette_4_trns.png", png(PALETTE, 4, extra=chunk(b"tRNS", bytes(range(0, 160, 10))))
    yield "rgb_8_gamma.png", png(RGB, 8, extra=chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "rgb_8_exif.png", png(RGB, 8, extra=chunk(b"eXIf", exif(6, False)))
    yield "rgb_8_pieces.png", png(RGB, 8, pieces=7)
    yield "one_pixel.png", png(RGB, 8, width=1, height=1)
    yield "one_column_interlaced.png", png(RGB, 8, True, width=1, height=23)


def pixels_of(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "I":  # 16 bits of grey: Pillow would clip them to 255, we keep the high byte
        return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGB"))


# ---- resizing ----------------------------------------------------------------------------------

PILLOW = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC,
          "lanczos": Image.LANCZOS}


def centre_crop(image, height, width):
    """torchvision's CenterCrop, which pads where the image is smaller."""
    across, down = max(width - image.width, 0), max(height - image.height, 0)
    image = ImageOps.expand(image, (across // 2, down // 2, (across + 1) // 2, (down + 1) // 2), 0)
    top = int(round((image.height - height) / 2.0))
    left = int(round((image.width - width) / 2.0))
    return np.asarray(image.crop((left, top, left + width, top + height)))


def shorter_side(image, size):
    """torchvision's Resize."""
    short, long = min(image.size), max(image.size)
    other = int(size * long / short)
    return (size, other) if image.width <= image.height else (other, size)


def tensorflow(pixels, out_height, out_width, half_pixel):
    """resize_bilinear in float, [out_height][out_width][3]."""
    def positions(size, count):
        scale = np.float32(size) / np.float32(count)
        at = np.arange(count, dtype=np.float32)
        at = (at + np.float32(0.5)) * scale - np.float32(0.5) if half_pixel else at * scale
        lower = np.floor(at)
        upper = np.minimum(np.ceil(at), size - 1)
        return np.maximum(lower, 0).astype(int), upper.astype(int), (at - lower)[:, None]

    pixels = pixels.astype(np.float32)
    low, high, share = positions(pixels.shape[1], out_width)
    rows = pixels[:, low] + (pixels[:, high] - pixels[:, low]) * share
    low, high, share = positions(pixels.shape[0], out_height)
    return rows[low] + (rows[high] - rows[low]) * share[:, None]


class CvMat(ctypes.Structure):
    """OpenCV's C header of a matrix."""
    _fields_ = [("type", ctypes.c_int), ("step", ctypes.c_int), ("refcount", ctypes.c_void_p),
                ("header", ctypes.c_int), ("data", ctypes.c_void_p), ("rows", ctypes.c_int),
                ("columns", ctypes.c_int)]

    def __init__(self, pixels):
        continuous_8uc3 = 0x42420000 | 1 << 14 | 16
        super().__init__(continuous_8uc3, pixels.strides[0], None, 0, pixels.ctypes.data,
                         *pixels.shape[:2])


def opencv(pixels, height, width):
    out = np.zeros((height, width, 3), np.uint8)
    linear = 1
    ctypes.CDLL("libopencv_imgproc.so.406").cvResize(
        ctypes.byref(CvMat(pixels)), ctypes.byref(CvMat(out)), ctypes.c_int(linear))
    return out


def resized(source):
    image = Image.open(io.BytesIO(source)).convert("RGB")
    for name, kind in PILLOW.items():
        for size, height, width in ((20, 17, 17), (64, 40, 31), (8, 12, 15)):
            rule = "fit=shorter-side,resize=%d,crop=%dx%d,filter=%s" % (size, height, width, name)
            yield rule, centre_crop(image.resize(shorter_side(image, size), kind), height, width)
        for height, width in ((7, 11), (30, 44)):
            rule = "fit=squash,resize=%dx%d,crop=%dx%d,filter=%s" % (height, width, height, width,
                                                                    name)
            yield rule, np.asarray(image.resize((width, height), kind))
        rule = "fit=pad,resize=24x30,crop=21x33,filter=%s" % name
        yield rule, centre_crop(ImageOps.pad(image, (30, 24), kind), 21, 33)
    pixels = np.array(image)
    for height, width in ((7, 11), (30, 44), (16, 22), (25, 11)):
        rule = "fit=squash,resize=%dx%d,crop=%dx%d,filter=opencv-linear" % (height, width, height,
                                                                          width)
        yield rule, opencv(pixels, height, width)
    for name, half_pixel in (("tf1-bilinear", False), ("half-pixel-bilinear", True)):
        for height, width in ((7, 11), (30, 40)):
            rule = "fit=squash,resize=%dx%d,crop=%dx%d,filter=%s" % (height, width, height, width,
                                                                    name)
            yield rule, tensorflow(pixels, height, width, half_pixel)


# ---- views -------------------------------------------------------------------------------------

def resized_image(part, fit, height, width, kind):
    """The resized image: Pillow's, or [height][width][3] floats of a kind that gives them."""
    if kind in PILLOW and fit == "pad":
        return ImageOps.pad(part, (width, height), PILLOW[kind])
    if fit == "shorter-side":
        width, height = shorter_side(part, height)
    if kind in PILLOW:
        return part.resize((width, height), PILLOW[kind])
    if kind == "opencv-linear":
        return Image.fromarray(opencv(np.array(part), height, width))
    return tensorflow(np.array(part), height, width, kind == "half-pixel-bilinear")


def planes_of(image):
    """The channels as Pillow's images, of 32-bit floats where it has them."""
    if isinstance(image, Image.Image):
        return list(image.split())
    return [Image.fromarray(np.ascontiguousarray(image[:, :, c], np.float32)) for c in range(3)]


def half_away(value):
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def crop_box(size, crop, place, shift):
    """Where torchvision's FiveCrop or CenterCrop cuts, moved: left, top, right, bottom."""
    begin = []
    for axis in (0, 1):
        room = size[axis] - crop[axis]
        at = int(round(room / 2.0)) if room > 0 else -(-room // 2)
        if place is not None and room > 0:
            at = room if ("right", "bottom")[axis] in place else 0
        begin.append(at + half_away(shift[axis] * crop[axis]))
    return begin[0], begin[1], begin[0] + crop[0], begin[1] + crop[1]


def shown(image, rule, part=None, rotate=0, place=None, shift=(0, 0), flip=False):
    """The crop of a view, [height][width][3]. part: edges as pairs, (1, 3) for a third."""
    fit, resize, crop, kind = rule
    if part:
        sides = image.size * 2
        image = image.crop([(2 * n * side + d) // (2 * d) for (n, d), side in zip(part, sides)])
    planes = planes_of(resized_image(image, fit, resize[0], resize[1], kind))
    if rotate:
        planes = [plane.rotate(rotate, Image.BILINEAR) for plane in planes]
    box = crop_box(planes[0].size, (crop[1], crop[0]), place, shift)
    planes = [plane.crop(box) for plane in planes]
    if flip:
        planes = [plane.transpose(Image.FLIP_LEFT_RIGHT) for plane in planes]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


PARTS = {
    "crop=0:0:2/3:2/3": ((0, 1), (0, 1), (2, 3), (2, 3)),
    "crop=1/3:0:1:2/3": ((1, 3), (0, 1), (1, 1), (2, 3)),
    "crop=1/6:1/6:5/6:5/6": ((1, 6), (1, 6), (5, 6), (5, 6)),
}
PLACES = ("top-left", "top-right", "bottom-left", "bottom-right")


def views():
    """The text of a view, and what to tell shown()."""
    yield "original", {}
    yield "flip", {"flip": True}
    for place in PLACES:
        yield "crop=" + place, {"place": place}
        yield "crop=%s,flip" % place, {"place": place, "flip": True}
    for name, part in PARTS.items():
        yield name, {"part": part}
        yield name + ",flip", {"part": part, "flip": True}
    for degrees in (30, -30, 7.5, 90, -90, 180, 179.999999):
        yield "rotate=%s" % degrees, {"rotate": degrees}
    yield "rotate=30,flip", {"rotate": 30, "flip": True}
    yield "shift=0.1:-0.2", {"shift": (0.1, -0.2)}
    yield "shift=-1:0.5", {"shift": (-1, 0.5)}
    yield "crop=bottom-right,rotate=-45,shift=0.25:0.25,flip", {
        "place": "bottom-right", "rotate": -45, "shift": (0.25, 0.25), "flip": True}
    yield "crop=1/3:0:1:2/3,rotate=12,shift=-0.3:0", {
        "part": PARTS["crop=1/3:0:1:2/3"], "rotate": 12, "shift": (-0.3, 0)}


VIEW_RULES = (
    ("shorter-side", (16, 16), (14, 12), "bilinear"), ("squash", (15, 20), (10, 15), "bicubic"),
    ("pad", (12, 15), (11, 17), "lanczos"), ("shorter-side", (9, 9), (11, 8), "nearest"),
    ("squash", (16, 13), (12, 12), "opencv-linear"), ("squash", (16, 13), (12, 12), "tf1-bilinear"),
    ("shorter-side", (10, 10), (9, 9), "half-pixel-bilinear"))


def write_views():
    lines, crops, floats = [], [], []
    for name in ("wide.png", "tall.png"):
        with open(os.path.join(FOLDER, name), "rb") as file:
            image = Image.open(io.BytesIO(file.read())).convert("RGB")
        for rule in VIEW_RULES:
            text = "fit=%s,resize=%dx%d,crop=%dx%d,filter=%s" % (rule[0], *rule[1], *rule[2],
                                                                rule[3])
            for view, wanted in views():
                crop = shown(image, rule, **wanted)
                kind = "bytes" if crop.dtype == np.uint8 else "floats"
                lines.append("%s\t%s\t%s\t%s\n" % (name, text, view, kind))
                (crops if kind == "bytes" else floats).append(crop.reshape(-1))
    write("views.tsv", "".join(lines).encode())
    np.save(os.path.join(FOLDER, "view-crops.npy"), np.concatenate(crops))
    np.save(os.path.join(FOLDER, "view-floats.npy"), np.concatenate(floats).astype(np.float32))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    cases, pixels = [], []
    for name, data in list(jpeg_files()) + list(png_files()):
        write(name, data)
        decoded = pixels_of(data)
        cases.append("%s\t%d\t%d\n" % (name, decoded.shape[1], decoded.shape[0]))
        pixels.append(decoded.reshape(-1))
    write("cases.tsv", "".join(cases).encode())
    np.save(os.path.join(FOLDER, "pixels.npy"), np.concatenate(pixels))
    lines, crops, floats = [], [], []
    for name, width, height in (("wide.png", 44, 32), ("tall.png", 23, 51)):
        out = io.BytesIO()
        Image.fromarray(drawing(width, height, 3)).save(out, "PNG")
        write(name, out.getvalue())
        for rule, crop in resized(out.getvalue()):
            kind = "bytes" if crop.dtype == np.uint8 else "floats"
            lines.append("%s\t%s\t%s\n" % (name, rule, kind))
            (crops if kind == "bytes" else floats).append(crop.reshape(-1))
    write("resized.tsv", "".join(lines).encode())
    np.save(os.path.join(FOLDER, "crops.npy"), np.concatenate(crops))
    np.save(os.path.join(FOLDER, "floats.npy"), np.concatenate(floats).astype(np.float32))
    write_views()


main()
