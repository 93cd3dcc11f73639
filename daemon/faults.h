/* SPDX-License-Identifier: BSD-2-Clause */
/* From DMA faults that the simulated hardware tells to the core's work on them. */
#ifndef DAEMON_FAULTS_H
#define DAEMON_FAULTS_H

/* Before clients come. Nothing to do on a host that is not the fabric. */
void faults_start(void);
/* Before the loop is closed; what faults from then on is counted, no more. */
void faults_stop(void);

#endif
