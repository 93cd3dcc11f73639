/* SPDX-License-Identifier: BSD-2-Clause */
#include <holdfast/iommu.h>

#include "vm.h"

struct vm a, b;
struct vm_memory memory;
struct vm_event bar_event;

/* --- memory space ------------------------------------------------------------ */

uint64_t vm_pattern(uint64_t addr)
{
	return addr * 0x9e3779b97f4a7c15ull;
}

static int mem_read(struct pci_host *host, uint64_t addr, uint8_t size,
		    uint64_t *val)
{
	(void)host;
	memory.reads++;
	memory.addr = addr;
	memory.size = size;
	*val = vm_pattern(addr);
	return 0;
}

static int mem_write(struct pci_host *host, uint64_t addr, uint8_t size,
		     uint64_t val)
{
	(void)host;
	memory.writes++;
	memory.addr = addr;
	memory.size = size;
	memory.val = val;
	return 0;
}

/* --- configuration space: the fake host's, one access at a time --------------- */

static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pci_host_ops fake_ops;

static int locked_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t *val)
{
	int err;

	pthread_mutex_lock(&host_lock);
	err = fake_ops.read(host, sbdf, reg, size, val);
	pthread_mutex_unlock(&host_lock);
	return err;
}

static int locked_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			uint8_t size, uint32_t val)
{
	int err;

	pthread_mutex_lock(&host_lock);
	err = fake_ops.write(host, sbdf, reg, size, val);
	pthread_mutex_unlock(&host_lock);
	return err;
}

/* --- what is mapped ------------------------------------------------------------ */

static bool overlaps(const struct vm_range *r, const struct pci_mapping *m)
{
	return r->gpa < m->gpa + m->size && m->gpa < r->gpa + r->size;
}

static void add_range(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	struct vm_range *last = vm->nranges ? &vm->range[vm->nranges - 1]
					    : NULL;

	if (last && last->gpa + last->size == gpa &&
	    last->hpa + last->size == hpa) {
		last->size += size;
		return;
	}
	assert_true(vm->nranges < ARRAY_SIZE(vm->range));
	vm->range[vm->nranges++] = (struct vm_range){ gpa, hpa, size };
}

static bool is_whole_pages(const struct pci_mapping *m)
{
	return m->size && !((m->gpa | m->hpa | m->size) & (PLAT_PAGE_SIZE - 1));
}

static int map(struct domain *d, const struct pci_mapping *m)
{
	struct vm *vm = domain_data(d);
	unsigned int i, n;

	assert_true(is_whole_pages(m));
	pthread_mutex_lock(&vm->lock);
	n = ++vm->maps;
	if (m->size > vm->largest)
		vm->largest = m->size;
	pthread_mutex_unlock(&vm->lock);
	if (vm->on_map)
		vm->on_map(vm, m);
	if (n == vm->fail_at)
		return vm->error;
	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->nranges; i++)
		assert_false(overlaps(&vm->range[i], m));
	add_range(vm, m->gpa, m->hpa, m->size);
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	struct vm *vm = domain_data(d);
	unsigned int i = 0;

	assert_true(is_whole_pages(m));
	pthread_mutex_lock(&vm->lock);
	vm->unmaps++;
	vm->cuts += m->cut;
	pthread_mutex_unlock(&vm->lock);
	if (vm->on_unmap)
		vm->on_unmap(vm, m);
	pthread_mutex_lock(&vm->lock);
	while (i < vm->nranges) {
		struct vm_range r = vm->range[i];

		if (!overlaps(&r, m)) {
			i++;
			continue;
		}
		/* One device never takes out what another has mapped. */
		assert_int_equal(r.hpa - r.gpa, m->hpa - m->gpa);
		vm->range[i] = vm->range[--vm->nranges];
		if (r.gpa < m->gpa)
			add_range(vm, r.gpa, r.hpa, m->gpa - r.gpa);
		if (r.gpa + r.size > m->gpa + m->size)
			add_range(vm, m->gpa + m->size, m->hpa + m->size,
				  r.gpa + r.size - m->gpa - m->size);
	}
	pthread_mutex_unlock(&vm->lock);
}

uint64_t vm_mapped(const struct vm *vm, uint64_t gpa)
{
	unsigned int i;

	for (i = 0; i < vm->nranges; i++)
		if (gpa - vm->range[i].gpa < vm->range[i].size)
			return vm->range[i].hpa + (gpa - vm->range[i].gpa);
	return 0;
}

uint64_t vm_mapped_bytes(const struct vm *vm)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < vm->nranges; i++)
		n += vm->range[i].size;
	return n;
}

bool vm_is_claimed(struct vm *vm, uint64_t gpa)
{
	unsigned int bar;
	uint64_t offset;
	bool yes;

	plat_rcu_read_lock();
	yes = vpci_space_find(vm->d, gpa, &bar, &offset);
	plat_rcu_read_unlock();
	return yes;
}

/* --- events --------------------------------------------------------------------- */

static void note(struct pci_event_listener *self, const struct pci_event *event)
{
	(void)self;
	if (event->type != PCI_EVENT_BAR)
		return;
	bar_event.count++;
	memcpy(bar_event.detail, event->detail, sizeof(bar_event.detail));
}

static struct pci_event_listener listener = { .event = note };

/* --- a guest --------------------------------------------------------------------- */

static const struct domain_ops ops = { .map = map, .unmap = unmap };

static void make(struct vm *vm, const char *name)
{
	*vm = (struct vm){ .error = -ENOMEM,
			   .lock = PTHREAD_MUTEX_INITIALIZER };
	assert_int_equal(domain_create(0, name, &ops, vm, &vm->d), 0);
	vpci_vcpu_init(&vm->vcpu, vm->d);
}

static void end(struct vm *vm)
{
	vm->on_map = vm->on_unmap = NULL;
	vpci_vcpu_fini(&vm->vcpu);
	assert_int_equal(domain_destroy(vm->d), 0);
	domain_put(vm->d);
	assert_int_equal(vm_mapped_bytes(vm), 0);
}

int vm_setup(void **state)
{
	if (fake_setup(state) || pci_vpci_init(NULL))
		return -1;
	fake_ops = fake.ops;
	fake.ops.read = locked_read;
	fake.ops.write = locked_write;
	fake.ops.mem_read = mem_read;
	fake.ops.mem_write = mem_write;
	memory = (struct vm_memory){ 0 };
	bar_event = (struct vm_event){ 0 };
	pci_event_listen(&listener);
	make(&a, "a");
	make(&b, "b");
	return 0;
}

int vm_teardown(void **state)
{
	end(&a);
	end(&b);
	pci_event_unlisten(&listener);
	return fake_teardown(state);
}

struct fake_fn *vm_device(const char *sbdf, uint64_t addr, uint64_t size,
			  uint32_t type)
{
	struct fake_fn *fn = fake_add(sbdf, 0x10ec8086);
	uint64_t bits = ~(size - 1);

	fake_bar(fn, PCI_BASE_ADDRESS_0, (uint32_t)addr | type,
		 (uint32_t)bits & PCI_BASE_ADDRESS_MEM_MASK);
	if (type & PCI_BASE_ADDRESS_MEM_TYPE_64)
		fake_bar(fn, PCI_BASE_ADDRESS_1, (uint32_t)(addr >> 32),
			 (uint32_t)(bits >> 32));
	return fn;
}

void vm_give(struct vm *vm, const char *sbdf, uint8_t slot)
{
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, slot, 0);

	if (!is_there(sbdf))
		add(sbdf);
	assert_int_equal(pci_assign_device(vm->d, at(sbdf), 0, &vsbdf, NULL),
			 0);
}

uint64_t vm_read(struct vm *vm, uint8_t slot, uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(vm->d, pci_sbdf(0, 0, slot, 0), reg, size,
				   &val),
			 PCI_DONE);
	return val;
}

void vm_write_only(struct vm *vm, uint8_t slot, uint16_t reg, uint8_t size,
		   uint64_t val)
{
	assert_int_equal(vpci_write(&vm->vcpu, pci_sbdf(0, 0, slot, 0), reg,
				    size, val),
			 PCI_DONE);
}

void vm_work(struct vm *vm)
{
	unsigned int i;

	for (i = 0; vpci_process_pending(&vm->vcpu, NULL) == PCI_AGAIN; i++)
		assert_true(i < 100000);
}

void vm_write(struct vm *vm, uint8_t slot, uint16_t reg, uint8_t size,
	      uint64_t val)
{
	vm_write_only(vm, slot, reg, size, val);
	vm_work(vm);
}

void vm_place(struct vm *vm, uint8_t slot, uint64_t gpa)
{
	vm_write_only(vm, slot, PCI_BASE_ADDRESS_0, 8, gpa);
	vm_work(vm);
}

void vm_decode(struct vm *vm, uint8_t slot, bool on)
{
	vm_write(vm, slot, PCI_COMMAND, 2, on ? PCI_COMMAND_MEMORY : 0);
}

struct vpci *vm_view(const char *sbdf)
{
	struct pci_dev *pdev = get(sbdf);
	struct vpci *view = hf_load_acquire(&pdev->view);

	pcidev_put(pdev);
	return view;
}
