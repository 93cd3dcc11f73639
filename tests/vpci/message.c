/* SPDX-License-Identifier: BSD-2-Clause */
#include <holdfast/iommu.h>

#include "message.h"

struct message message;

static void vector(struct domain *d, pci_sbdf_t sbdf,
		   const struct pci_vector *v)
{
	assert_ptr_equal(d, message.guest);
	assert_int_equal(sbdf.sbdf, at(MESSAGE_DEV).sbdf);
	assert_true(message.ntold < ARRAY_SIZE(message.told));
	message.told[message.ntold++] = *v;
}

static void watch(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	message.touched += write && reg >= MESSAGE_CAP &&
			   reg < MESSAGE_CAP + 0x20;
}

static const struct domain_ops ops = { .vector = vector };

int message_setup(void **state)
{
	if (fake_setup(state) || pci_vpci_init(NULL))
		return -1;
	memset(&message, 0, sizeof(message));
	message.fn = fake_add(MESSAGE_DEV, 0x10ec8086);
	fake_bar(message.fn, PCI_BASE_ADDRESS_0, 0xfe000000, 0xffff0000);
	fake_bar(message.fn, PCI_BASE_ADDRESS_2, 0xfe010000, 0xffff0000);
	return 0;
}

void message_assign(void)
{
	pci_sbdf_t any = { .sbdf = UINT32_MAX };

	message.vsbdf = any;
	add(MESSAGE_DEV);
	assert_int_equal(domain_create(1, "guest", &ops, NULL, &message.guest),
			 0);
	assert_int_equal(pci_assign_device(message.guest, at(MESSAGE_DEV), 0,
					   &message.vsbdf, NULL),
			 0);
	vpci_vcpu_init(&message.vcpu, message.guest);
	fake.on_access = watch;
}

int message_teardown(void **state)
{
	fake.on_access = NULL;
	if (message.guest) {
		vpci_vcpu_fini(&message.vcpu);
		assert_int_equal(domain_destroy(message.guest), 0);
		domain_put(message.guest);
	}
	return fake_teardown(state);
}

struct vpci *message_view(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(MESSAGE_DEV));
	struct vpci *view = hf_load_acquire(&pdev->view);

	pcidev_put(pdev);
	return view;
}

void message_lock(void)
{
	plat_rcu_read_lock();
	pci_lock(&message_view()->pdev->lock);
}

void message_unlock(void)
{
	pci_unlock(&message_view()->pdev->lock);
	plat_rcu_read_unlock();
}

uint32_t cap_read(uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(message.guest, message.vsbdf,
				   MESSAGE_CAP + reg, size, &val),
			 PCI_DONE);
	return (uint32_t)val;
}

void cap_write(uint16_t reg, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_write(&message.vcpu, message.vsbdf,
				    MESSAGE_CAP + reg, size, val),
			 PCI_DONE);
}

void assert_told(unsigned int n)
{
	assert_int_equal(message.ntold, n);
	message.ntold = 0;
}

void assert_vector(const struct pci_vector *v, unsigned int index, bool enabled,
		   bool masked)
{
	assert_int_equal(v->index, index);
	assert_int_equal(v->enabled, enabled);
	assert_int_equal(v->masked, masked);
}
