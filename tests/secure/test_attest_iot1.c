/* SPDX-License-Identifier: Apache-2.0
 *
 * The same tests on the build that speaks PSA_IOT_PROFILE_1. */
#include "tests/secure/test_attest.c" /* NOLINT(bugprone-suspicious-include): the same, linked anew */
