/*
 * The version of both programs, as --version prints it and experiments record it.
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define BOTTLENECK_VERSION "0.1.0"

#endif
