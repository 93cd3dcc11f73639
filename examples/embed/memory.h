/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EMBED_MEMORY_H
#define EMBED_MEMORY_H

unsigned int memory_in_use(void); /* blocks handed out by plat_zalloc() */

#endif
