#!/usr/bin/env python3
"""Times bottleneck-classify beside scikit-learn and LIBSVM on the same vectors, and prints a table.

    tests/classify/compare_peers.py build/bottleneck-classify [--rounds 3] [--without-svm-train]

Vectors are drawn like flattened maps behind a rectifier: half zeros, a center per class. Each round
runs everyone once, so that what else the machine does falls on all alike; the table shows medians.
Ours is the whole process, reading the database included. scikit-learn's times are those of the
call alone, svm-train's those of the process, with vectors divided by their lengths beforehand.

Needs Debian's python3-sklearn and libsvm-tools.
"""
import argparse
import hashlib
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time

import numpy

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def make_vectors(count, dimension, classes, seed=0):
    generator = numpy.random.default_rng(seed)
    centers = generator.standard_normal((classes, dimension), dtype=numpy.float32) * 0.12
    labels = numpy.arange(count) % classes
    noise = generator.standard_normal((count, dimension), dtype=numpy.float32)
    return numpy.maximum(noise + centers[labels], 0), labels


def write_database(path, vectors, labels):
    """A database as bottleneck-extract leaves it."""
    digest = lambda text: hashlib.sha256(text.encode()).digest()
    database = sqlite3.connect(path)
    with open(os.path.join(ROOT, 'features.db.schema'), encoding='utf-8') as schema:
        database.executescript(schema.read())
    database.execute("INSERT INTO network VALUES (1, ?, 'drawn.onnx', 'onnx', 1)",
                     (digest('network'),))
    database.execute("INSERT INTO feature_set VALUES (1, 1, 'cut', 'none', 'none', 1, ?)",
                     (vectors.shape[1],))
    for i, (vector, label) in enumerate(zip(vectors, labels), 1):
        name = '%06d.jpg' % i
        database.execute("INSERT INTO image VALUES (?, ?, 'jpeg', 1, 1, 1)", (i, digest(name)))
        database.execute("INSERT INTO vector VALUES (?, 1, ?, 'original', ?)",
                         (i, i, vector.astype('<f4').tobytes()))
        database.execute('INSERT INTO sample (path, image_id, label, modified_ns)'
                         ' VALUES (?, ?, ?, 0)', (name, i, 'class %d' % label))
    database.commit()
    database.close()


def write_libsvm(path, vectors, labels):
    with open(path, 'w', encoding='ascii') as out:
        for vector, label in zip(vectors, labels):
            out.write('%d %s\n' % (label, ' '.join(
                '%d:%.9g' % (i + 1, vector[i]) for i in numpy.flatnonzero(vector))))


def clock(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def command(*arguments):
    return lambda: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def ours(program, database, *arguments):
    return command(program, 'evaluate', '--db', database, '--no-record', *arguments)


def cross_validate(estimator, vectors, labels):
    from sklearn.model_selection import cross_val_score
    return lambda: cross_val_score(estimator, vectors, labels, cv=5)


def compare(title, contestants, rounds):
    """contestants: (name, action), ours first."""
    times = {name: [] for name, _ in contestants}
    for _ in range(rounds):
        for name, action in contestants:
            times[name].append(clock(action))
    medians = {name: statistics.median(all_times) for name, all_times in times.items()}
    base = medians[contestants[0][0]]
    print('| %s | seconds | ours is faster by |\n| --- | --- | --- |' % title)
    for name, median in medians.items():
        print('| %s | %.3g | %s |' % (name, median,
                                      '' if median == base else '%.0f' % (median / base)))
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--without-svm-train', action='store_true', help='it takes minutes')
    options = parser.parse_args()

    from sklearn.svm import SVC, LinearSVC
    with tempfile.TemporaryDirectory() as folder:
        database, text = os.path.join(folder, 'long.db'), os.path.join(folder, 'long.libsvm')
        vectors, labels = make_vectors(500, 25088, 5)
        write_database(database, vectors, labels)
        units = vectors.astype(float)
        units /= numpy.linalg.norm(units, axis=1, keepdims=True)
        contestants = [
            ('ours', ours(options.program, database, '--folds', '5', '--repeats', '1')),
            ('LinearSVC', cross_validate(LinearSVC(C=1), units, labels)),
            ('SVC(kernel="linear")', cross_validate(SVC(kernel='linear', C=1), units, labels)),
        ]
        if not options.without_svm_train:
            write_libsvm(text, units, labels)
            contestants.append(('svm-train -t 0 -v 5',
                                command('svm-train', '-q', '-t', '0', '-c', '1', '-v', '5', text)))
        compare('500 vectors of 25,088 numbers, 5 classes, five folds, C = 1', contestants,
                options.rounds)

        database = os.path.join(folder, 'many.db')
        write_database(database, *make_vectors(1000, 2048, 10))
        compare('1,000 vectors of 2,048 numbers, 10 classes, five folds, ten times',
                [('ours, C = 1', ours(options.program, database)),
                 ('ours, -C auto (nested)', ours(options.program, database, '-C', 'auto'))],
                options.rounds)


if __name__ == '__main__':
    main()
