"""What lies between the players and the file: room, microphone, level and codec.

All of it is drawn for every clip, so that none of it says anything about the music.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft
import soundfile
from numpy.typing import NDArray

from tagsmith.datasets.scores import equalizer
from tagsmith.datasets.scores.draw import Rng, between, chance, log_between, pick
from tagsmith.datasets.scores.equalizer import Curve
from tagsmith.datasets.scores.player import Part, Tone
from tagsmith.datasets.scores.synthesis import RATE_HZ, Sound, synthesise
from tagsmith.store import atomic

Spectrum = NDArray[np.complex64]

DEAF_HZ = np.float32(200)  # hearing falls off below
AIR_DB = -8.0  # reverberation has fewer highs
PEAK = 0.84  # the loudest sample before encoding: mp3 overshoots by a decibel or so
SIXTY_DB = np.float32(np.log(1000))
CHANNELS = {1: 5, 2: 1}
SAMPLE_RATES_HZ = {22050: 4, 32000: 3, 44100: 2.5, 48000: 0.5}
MPEG1_HZ = 32000  # lower rates are MPEG-2, whose bit rates end at 160 kbit/s
KBPS_MPEG1 = {64: 1, 96: 1, 128: 1, 160: 1, 192: 1}
KBPS_MPEG2 = {64: 1, 80: 1, 96: 1, 128: 1}
VARIABLE_SHARE = 0.8  # of files with a variable bit rate: 35 to 100 kbit/s


@dataclass(frozen=True)
class Room:
    """One recording situation.

    Attributes:
        decay_seconds: Until reverberation has fallen by 60 dB.
        wet: Reverberation's share of the sound, 0 to 1.
        low_db: Boost of low frequencies by the microphone.
        high_db: Boost of high ones.
        hiss_db: Level of noise against the music; -inf for none.
        level_db: Of the file, dB of full scale, where its peaks allow it.
        channels: 1 or 2.
        sample_rate_hz: Of the file.
        kbps: Constant bit rate; 0 for a variable one.
        thrift: What a variable bit rate saves, 0 to 1.
    """

    decay_seconds: float
    wet: float
    low_db: float
    high_db: float
    hiss_db: float
    level_db: float
    channels: int
    sample_rate_hz: int
    kbps: int
    thrift: float


def draw(rng: Rng) -> Room:
    """Draw a recording situation."""
    rate_hz = pick(SAMPLE_RATES_HZ, rng)
    rates = KBPS_MPEG1 if rate_hz >= MPEG1_HZ else KBPS_MPEG2
    return Room(
        decay_seconds=log_between(0.15, 2.0, rng),
        wet=between(0, 0.3, rng) if chance(0.8, rng) else 0.0,
        low_db=between(-3, 2, rng),
        high_db=between(-5, 3, rng),
        hiss_db=between(-65, -45, rng) if chance(0.3, rng) else -np.inf,
        level_db=between(-30, -14, rng),
        channels=pick(CHANNELS, rng),
        sample_rate_hz=rate_hz,
        kbps=0 if chance(VARIABLE_SHARE, rng) else pick(rates, rng),
        thrift=between(0, 0.7, rng),
    )


def record(
    parts: Sequence[Part], room: Room, seconds: float, soundfont: Path, rng: Rng
) -> Sound:
    """Return a clip's sound, `(samples, channels)` at the room's sample rate.

    Everything between the players and the level is a product of spectra: tone, the
    room's answer, and the resampling, which is the part of a spectrum that fits.
    """
    # Whole seconds, so that a bin is the same frequency at every sample rate.
    padded_seconds = scipy.fft.next_fast_len(math.ceil(seconds + room.decay_seconds))
    length, resampled = padded_seconds * RATE_HZ, padded_seconds * room.sample_rate_hz
    bins = min(length, resampled) // 2 + 1
    frequencies = np.arange(bins, dtype=np.float32) / np.float32(padded_seconds)
    mixed = np.zeros((room.channels, bins), np.complex64)
    for part in parts:
        sound = synthesise(part, round(seconds * RATE_HZ), soundfont)
        spectrum = scipy.fft.rfft(sound, length)[:bins]
        spectrum = _toned(spectrum, frequencies, part.tone)
        mixed += _gains(part.pan, room.channels)[:, np.newaxis] * spectrum
    mixed *= _answer(room, frequencies, rng)
    sound = scipy.fft.irfft(mixed, resampled, axis=1)
    wanted = round(seconds * room.sample_rate_hz)
    return _levelled(np.ascontiguousarray(sound[:, :wanted].T), room, rng)


def encode(sound: Sound, room: Room, path: Path) -> None:
    """Write an mp3 file, whole or not at all."""
    # libsndfile spreads 0 to 1 over the bit rates of the MPEG version.
    low, high = (32, 320) if room.sample_rate_hz >= MPEG1_HZ else (8, 160)
    with (
        atomic(path) as temporary,
        soundfile.SoundFile(
            temporary,
            "w",
            samplerate=room.sample_rate_hz,
            channels=room.channels,
            format="MP3",
            subtype="MPEG_LAYER_III",
            bitrate_mode="CONSTANT" if room.kbps else "VARIABLE",
            compression_level=(high - room.kbps) / (high - low)
            if room.kbps
            else room.thrift,
        ) as file,
    ):
        file.write(sound)


def _gains(pan: float, channels: int) -> Sound:
    angle = (pan + 1) * np.pi / 4
    gains = [1.0] if channels == 1 else [np.cos(angle), np.sin(angle)]
    return np.array(gains, np.float32)


def _toned(spectrum: Spectrum, frequencies: Curve, tone: Tone) -> Spectrum:
    """Give a part its tone; what is heard of it has the power that all of it had."""
    gain = equalizer.factor(
        equalizer.low_shelf(frequencies, 250, tone.low_db)
        + equalizer.high_shelf(frequencies, 2500, tone.high_db)
        + equalizer.peak(frequencies, tone.body_hz, tone.body_db)
    )
    toned = spectrum * gain
    heard = toned * _hearing(frequencies)
    before, after = (float(np.vdot(x, x).real) for x in (spectrum, heard))
    return toned * np.float32(math.sqrt(before / after) if after else 1)


def _hearing(frequencies: Curve) -> Curve:
    """Return how much is heard: a first-order fall towards low frequencies."""
    curve: Curve = frequencies / np.hypot(frequencies, DEAF_HZ)
    return curve


def _answer(room: Room, frequencies: Curve, rng: Rng) -> Spectrum:
    """Return what room and microphone multiply a spectrum by: `(channels, bins)`."""
    microphone = equalizer.factor(
        equalizer.low_shelf(frequencies, 200, room.low_db)
        + equalizer.high_shelf(frequencies, 3000, room.high_db)
    )
    if not room.wet:
        return microphone[np.newaxis].astype(np.complex64)
    rate_hz = 2 * float(frequencies[-1])
    tail = round(room.decay_seconds * rate_hz)
    noise = rng.standard_normal((room.channels, tail), np.float32)
    noise *= np.exp(-SIXTY_DB * np.arange(tail, dtype=np.float32) / np.float32(tail))
    noise /= np.sqrt((noise**2).sum(axis=1, keepdims=True))
    air = equalizer.factor(equalizer.high_shelf(frequencies, 4000, AIR_DB))
    reverberation = scipy.fft.rfft(noise, 2 * (len(frequencies) - 1), axis=1) * air
    answer: Spectrum = microphone * (1 - room.wet + room.wet * reverberation)
    return answer


def _levelled(sound: Sound, room: Room, rng: Rng) -> Sound:
    """Add hiss, and bring a clip to its level without clipping."""
    loudness = float(np.sqrt(np.mean(sound**2))) + 1e-9  # silence stays silence
    if np.isfinite(room.hiss_db):
        hiss = rng.standard_normal(sound.shape, np.float32)
        sound = sound + hiss * np.float32(loudness * 10 ** (room.hiss_db / 20))
    gain = 10 ** (room.level_db / 20) / loudness
    limit = PEAK / max(float(np.abs(sound).max()), 1e-9)
    return np.asarray(sound * np.float32(min(gain, limit)), np.float32)
