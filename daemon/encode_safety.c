/* SPDX-License-Identifier: BSD-2-Clause */
/* See encode_safety.h. */
#include "encode_safety.h"

#include <stdlib.h>

#include <holdfast/irq.h>
#include <holdfast/reset.h>

#include "domains.h"
#include "hosts.h"
#include "out.h"
#include "unit.h"

/* --- DMA ---------------------------------------------------------------------- */

json_object *encode_faults(const struct pci_fault_info *fault)
{
	json_object *o = out_object();
	bool any = fault->last_time;

	out_uint(o, "total", fault->total);
	out_int(o, "recent", fault->recent);
	out_bool(o, "master_off", fault->master_off);
	out_str(o, "reason", any ? iommu_fault_name(fault->last.reason) : NULL);
	if (any) {
		out_sbdf(o, "rid", fault->last.rid);
		out_hex(o, "address", fault->last.address);
	} else {
		out_null(o, "rid");
		out_null(o, "address");
	}
	out_time(o, "last", fault->last_time);
	return o;
}

static json_object *encode_dma(pci_sbdf_t sbdf)
{
	static const char *const mode[IOMMU_MODES] = {
		[IOMMU_BLOCKED] = "blocked",
		[IOMMU_IDENTITY] = "identity",
		[IOMMU_SCRATCH] = "scratch",
		[IOMMU_SPACE] = "space",
	};
	struct pci_iommu_info info;
	struct domain *d = NULL;
	json_object *o;

	if (pci_iommu_query(sbdf, &info))
		return NULL;
	if (info.mode == IOMMU_SPACE)
		d = domain_get_by_id(info.domain);
	o = out_object();
	out_str(o, "mode", mode[info.mode]);
	out_str(o, "domain", d ? domain_name(d) : NULL);
	out_bool(o, "ats", info.ats);
	out_int(o, "rids", info.rids);
	out_bool(o, "stuck", info.stuck);
	out_add(o, "faults", encode_faults(&info.fault));
	domain_put(d);
	return o;
}

/* --- interrupts --------------------------------------------------------------- */

/* How many of them its owner was told, if that is a guest. */
static uint64_t told(const struct pci_dev_info *info)
{
	struct domain *d = domain_get_by_id(info->owner);
	uint64_t n = d ? guest_interrupts(d, info->desc.sbdf) : 0;

	domain_put(d);
	return n;
}

static json_object *encode_irq(const struct pci_dev_info *info)
{
	struct pci_irq_info irq;
	json_object *o;

	if (!host_confines() || pci_irq_query(info->desc.sbdf, &irq))
		return NULL;
	o = out_object();
	out_int(o, "msi", irq.msi);
	out_int(o, "msix", irq.msix);
	out_bool(o, "guest", irq.guest);
	out_bool(o, "prepared", irq.prepared);
	out_int(o, "masked", irq.masked);
	out_int(o, "pending", irq.pending);
	out_int(o, "failed", irq.failed);
	out_uint(o, "delivered", irq.delivered);
	out_uint(o, "suppressed", irq.suppressed);
	out_uint(o, "told", told(info));
	return o;
}

/* --- resets and groups -------------------------------------------------------- */

static json_object *encode_methods(pci_sbdf_t sbdf)
{
	json_object *array = out_array();
	int methods = pci_reset_methods(sbdf);

	for (int i = 0; methods > 0 && i < PCI_RESET_METHODS; i++)
		if (methods & 1 << i)
			out_append(array,
				   json_object_new_string(pci_reset_method_name(
					   (enum pci_reset_method)i)));
	return array;
}

void encode_safety(json_object *to, const struct pci_dev_info *info)
{
	pci_sbdf_t sbdf = info->desc.sbdf;
	struct pci_group_member first;
	int members = pci_device_group(sbdf, &first, 1);

	out_add(to, "dma", encode_dma(sbdf));
	out_add(to, "interrupts", encode_irq(info));
	out_add(to, "reset_methods",
		host_confines() ? encode_methods(sbdf) : NULL);
	if (members > 0)
		out_int(to, "group_size", members);
	else
		out_null(to, "group_size");
}

/* --- counts ------------------------------------------------------------------- */

/* What the simulated hardware has now, beside what the core says. */
static json_object *encode_unit(struct fabric *f)
{
	json_object *o = out_object();
	struct fabric_unit_info info;
	struct fabric_witness w;

	fabric_unit(f, &info);
	fabric_witness(f, &w);
	out_uint(o, "vectors", info.vectors);
	out_uint(o, "spaces", info.spaces);
	out_uint(o, "contexts", info.contexts);
	out_uint(o, "pages", info.pages);
	out_uint(o, "cached", info.cached);
	out_uint(o, "ats", info.ats);
	out_uint(o, "flushes", info.flushes);
	out_uint(o, "ram_pages", info.ram);
	out_uint(o, "faults", w.total.faulted + w.total.refused);
	return o;
}

void encode_safety_stats(json_object *to)
{
	struct pci_iommu_stats stats;
	json_object *o = out_object();

	pci_iommu_get_stats(&stats);
	out_uint(o, "spaces", stats.spaces);
	out_uint(o, "contexts", stats.contexts);
	out_uint(o, "mappings", stats.mappings);
	out_uint(o, "faults", stats.faults);
	out_uint(o, "timeouts", stats.timeouts);
	out_uint(to, "vectors", pci_irq_vectors());
	out_add(to, "iommu", o);
	out_add(to, "fabric",
		host_fabric() ? encode_unit(host_fabric()) : NULL);
}
