// Preloaded under the thread sanitizer. The slow paths of Swift's Mutex are in a library that is not instrumented, so the
// sanitizer does not see that a lock changes hands there, and reports what it guards. Here it is told.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef __attribute__((swiftcall)) void (*UnlockSlow)(__attribute__((swift_context)) void *);
typedef __attribute__((swiftcall)) void (*LockSlow)(uint32_t, __attribute__((swift_context)) void *);
typedef __attribute__((swiftcall)) bool (*TryLockSlow)(__attribute__((swift_context)) void *);

__attribute__((swiftcall)) void lock_slow(uint32_t self, __attribute__((swift_context)) void *mutex) __asm__(LOCK_SLOW);
__attribute__((swiftcall)) bool try_lock_slow(__attribute__((swift_context)) void *mutex) __asm__(TRY_LOCK_SLOW);

__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *mutex) __asm__(UNLOCK_SLOW);

__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *mutex) {
    if (__tsan_release) __tsan_release(mutex);
    ((UnlockSlow)dlsym(RTLD_NEXT, UNLOCK_SLOW))(mutex);
}

__attribute__((swiftcall)) void lock_slow(uint32_t self, __attribute__((swift_context)) void *mutex) {
    ((LockSlow)dlsym(RTLD_NEXT, LOCK_SLOW))(self, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) bool try_lock_slow(__attribute__((swift_context)) void *mutex) {
    bool locked = ((TryLockSlow)dlsym(RTLD_NEXT, TRY_LOCK_SLOW))(mutex);
    if (locked && __tsan_acquire) __tsan_acquire(mutex);
    return locked;
}
