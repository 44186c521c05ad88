#include "durability.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

typedef struct handle handle;

// A sector that was written since the last sync: what the disk still holds.
typedef struct {
    unsigned char *before; // NULL when nothing is pending
    int count;             // bytes that existed before, at most SECTOR
    int given_up;          // a sync failed; later ones do not bring it back
} pending;

// All that is known of one path, from its first use to the end of the process.
typedef struct record {
    struct record *next;
    char *path;
    sqlite3_int64 durable_size;
    pending *sectors;
    size_t sector_count;
    handle *open; // any handle, for putting bytes back without losing locks
} record;

struct durability_disk {
    sqlite3_vfs vfs;
    sqlite3_vfs *system;
    pthread_mutex_t lock;
    record *records;
    int dead;
    long cut_in, fail_write_in, fail_sync_in;
    int fail_write_lasting, fail_sync_lasting;
    int cut_how;
    uint64_t cut_seed;
    int64_t space;
    long writes, syncs;
};

struct handle {
    sqlite3_file base;
    durability_disk *disk;
    record *record; // NULL for temporary files, which nobody expects back
    handle *next;
    sqlite3_file *real; // behind this struct, in the same allocation
};

// --- The record of a path

static record *find_record(durability_disk *disk, const char *path) {
    for (record *r = disk->records; r; r = r->next)
        if (strcmp(r->path, path) == 0) return r;
    record *r = calloc(1, sizeof *r);
    if (!r || !(r->path = strdup(path))) abort();
    r->next = disk->records;
    disk->records = r;
    return r;
}

static void forget_pending(record *r, int even_given_up) {
    for (size_t i = 0; i < r->sector_count; i++) {
        if (!r->sectors[i].before || (r->sectors[i].given_up && !even_given_up)) continue;
        free(r->sectors[i].before);
        r->sectors[i].before = NULL;
        r->sectors[i].given_up = 0;
    }
}

// Keeps what the sectors of [from, to) hold on the disk, before they are written for the first time since a sync.
static int remember(handle *h, sqlite3_int64 from, sqlite3_int64 to) {
    record *r = h->record;
    size_t first = (size_t)(from / SECTOR), end = (size_t)((to + SECTOR - 1) / SECTOR);
    if (end > r->sector_count) {
        size_t wanted = end * 2;
        r->sectors = realloc(r->sectors, wanted * sizeof *r->sectors);
        if (!r->sectors) abort();
        memset(r->sectors + r->sector_count, 0, (wanted - r->sector_count) * sizeof *r->sectors);
        r->sector_count = wanted;
    }
    sqlite3_int64 size = 0;
    int result = h->real->pMethods->xFileSize(h->real, &size);
    if (result != SQLITE_OK) return result;
    for (size_t i = first; i < end; i++) {
        pending *p = &r->sectors[i];
        p->given_up = 0;
        if (p->before) continue;
        if (!(p->before = calloc(1, SECTOR))) abort();
        sqlite3_int64 start = (sqlite3_int64)i * SECTOR;
        sqlite3_int64 left = size - start;
        p->count = left <= 0 ? 0 : left < SECTOR ? (int)left : SECTOR;
        if (p->count == 0) continue;
        result = h->real->pMethods->xRead(h->real, p->before, p->count, start);
        if (result != SQLITE_OK) return result;
    }
    return SQLITE_OK;
}

// --- The power goes

static uint64_t random_next(uint64_t *state) { // splitmix64
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Puts bytes and size back, by an open handle or, when there is none, by a descriptor of its own.
typedef struct {
    sqlite3_file *file;
    int descriptor;
} target;

static void target_write(target *t, const void *bytes, int count, sqlite3_int64 at) {
    if (t->file) {
        if (t->file->pMethods->xWrite(t->file, bytes, count, at) != SQLITE_OK) abort();
    } else if (pwrite(t->descriptor, bytes, (size_t)count, at) != count) {
        abort();
    }
}

static void target_resize(target *t, sqlite3_int64 size) {
    // SQLite's truncation may round up to a chunk, which is never set here.
    if (t->file) {
        if (t->file->pMethods->xTruncate(t->file, size) != SQLITE_OK) abort();
    } else if (ftruncate(t->descriptor, size) != 0) {
        abort();
    }
}

static void lose(record *r, int how, uint64_t *seed) {
    target t = {NULL, -1};
    if (r->open) {
        t.file = r->open->real;
    } else {
        t.descriptor = open(r->path, O_RDWR | O_CLOEXEC);
        if (t.descriptor < 0) return; // deleted
    }
    sqlite3_int64 now = 0;
    if (t.file) {
        if (t.file->pMethods->xFileSize(t.file, &now) != SQLITE_OK) abort();
    } else {
        now = lseek(t.descriptor, 0, SEEK_END);
    }
    // The size is durable, or has reached the disk by itself.
    sqlite3_int64 size = how == DURABILITY_LOSE_ALL || random_next(seed) % 2 ? r->durable_size : now;
    for (size_t i = 0; i < r->sector_count; i++) {
        pending *p = &r->sectors[i];
        if (!p->before) continue;
        int lost = how == DURABILITY_LOSE_ALL || p->given_up || random_next(seed) % 2;
        sqlite3_int64 start = (sqlite3_int64)i * SECTOR;
        // A sector that the disk never had reads as zeros when the size has come to include it.
        if (lost) target_write(&t, p->before, SECTOR, start);
    }
    target_resize(&t, size);
    forget_pending(r, 1);
    r->durable_size = size;
    if (t.descriptor >= 0) close(t.descriptor);
}

static void cut_power_locked(durability_disk *disk, int how, uint64_t seed) {
    if (disk->dead) return;
    __atomic_store_n(&disk->dead, 1, __ATOMIC_RELAXED);
    for (record *r = disk->records; r; r = r->next) {
        int anything = 0;
        for (size_t i = 0; i < r->sector_count && !anything; i++) anything = r->sectors[i].before != NULL;
        if (anything || r->open) lose(r, how, &seed);
    }
}

// Counts an operation that changes the disk. Nonzero: the power is gone.
static int no_power(durability_disk *disk) {
    if (!disk->dead && disk->cut_in > 0 && --disk->cut_in == 0) cut_power_locked(disk, disk->cut_how, disk->cut_seed);
    return disk->dead;
}

static int due(long *countdown, int lasting) {
    if (*countdown <= 0) return 0;
    if (*countdown > 1) {
        --*countdown;
        return 0;
    }
    if (!lasting) *countdown = 0;
    return 1;
}

// --- Files

static int file_close(sqlite3_file *file) {
    handle *h = (handle *)file;
    pthread_mutex_lock(&h->disk->lock);
    if (h->record) {
        handle **at = &h->record->open;
        while (*at && *at != h) at = &(*at)->next;
        if (*at) *at = h->next;
    }
    pthread_mutex_unlock(&h->disk->lock);
    return h->real->pMethods ? h->real->pMethods->xClose(h->real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at) {
    handle *h = (handle *)file;
    if (h->record && __atomic_load_n(&h->disk->dead, __ATOMIC_RELAXED)) return SQLITE_IOERR_READ;
    return h->real->pMethods->xRead(h->real, bytes, count, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at) {
    handle *h = (handle *)file;
    durability_disk *disk = h->disk;
    if (!h->record) return h->real->pMethods->xWrite(h->real, bytes, count, at);
    pthread_mutex_lock(&disk->lock);
    int result = SQLITE_OK;
    sqlite3_int64 size = 0;
    disk->writes++;
    if (no_power(disk) || due(&disk->fail_write_in, disk->fail_write_lasting)) result = SQLITE_IOERR_WRITE;
    if (result == SQLITE_OK) result = h->real->pMethods->xFileSize(h->real, &size);
    sqlite3_int64 growth = at + count > size ? at + count - size : 0;
    if (result == SQLITE_OK && disk->space >= 0 && growth > disk->space) result = SQLITE_FULL;
    if (result == SQLITE_OK) result = remember(h, at, at + count);
    if (result == SQLITE_OK) result = h->real->pMethods->xWrite(h->real, bytes, count, at);
    if (result == SQLITE_OK && disk->space >= 0) disk->space -= growth;
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 to) {
    handle *h = (handle *)file;
    durability_disk *disk = h->disk;
    if (!h->record) return h->real->pMethods->xTruncate(h->real, to);
    pthread_mutex_lock(&disk->lock);
    sqlite3_int64 size = 0;
    int result = no_power(disk) ? SQLITE_IOERR_TRUNCATE : h->real->pMethods->xFileSize(h->real, &size);
    if (result == SQLITE_OK && to < size) result = remember(h, to, size);
    if (result == SQLITE_OK) result = h->real->pMethods->xTruncate(h->real, to);
    if (result == SQLITE_OK && disk->space >= 0 && to < size) disk->space += size - to;
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int file_sync(sqlite3_file *file, int flags) {
    handle *h = (handle *)file;
    durability_disk *disk = h->disk;
    (void)flags;
    if (!h->record) return SQLITE_OK;
    pthread_mutex_lock(&disk->lock);
    int result = SQLITE_OK;
    disk->syncs++;
    if (no_power(disk)) {
        result = SQLITE_IOERR_FSYNC;
    } else if (due(&disk->fail_sync_in, disk->fail_sync_lasting)) {
        for (size_t i = 0; i < h->record->sector_count; i++)
            if (h->record->sectors[i].before) h->record->sectors[i].given_up = 1;
        result = SQLITE_IOERR_FSYNC;
    } else {
        // The real disk is not asked: this one is what the test is about, and it is faster.
        sqlite3_int64 size = 0;
        result = h->real->pMethods->xFileSize(h->real, &size);
        if (result == SQLITE_OK) {
            forget_pending(h->record, 0);
            // The size is the file's own business: sectors given up below it stay what they were, or zeros.
            h->record->durable_size = size;
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    handle *h = (handle *)file;
    return h->real->pMethods->xFileSize(h->real, size);
}
static int file_lock(sqlite3_file *file, int level) {
    handle *h = (handle *)file;
    return h->real->pMethods->xLock(h->real, level);
}
static int file_unlock(sqlite3_file *file, int level) {
    handle *h = (handle *)file;
    return h->real->pMethods->xUnlock(h->real, level);
}
static int file_check_lock(sqlite3_file *file, int *locked) {
    handle *h = (handle *)file;
    return h->real->pMethods->xCheckReservedLock(h->real, locked);
}
static int file_control(sqlite3_file *file, int what, void *argument) {
    handle *h = (handle *)file;
    return h->real->pMethods->xFileControl(h->real, what, argument);
}
static int file_sector_size(sqlite3_file *file) {
    handle *h = (handle *)file;
    return h->real->pMethods->xSectorSize(h->real);
}
static int file_characteristics(sqlite3_file *file) {
    handle *h = (handle *)file;
    return h->real->pMethods->xDeviceCharacteristics(h->real);
}
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
    handle *h = (handle *)file;
    return h->real->pMethods->xShmMap(h->real, page, size, extend, memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    handle *h = (handle *)file;
    return h->real->pMethods->xShmLock(h->real, offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) {
    handle *h = (handle *)file;
    h->real->pMethods->xShmBarrier(h->real);
}
static int file_shm_unmap(sqlite3_file *file, int remove) {
    handle *h = (handle *)file;
    return h->real->pMethods->xShmUnmap(h->real, remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, // no memory mapping: it would write past us
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

// --- The file system

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
    durability_disk *disk = (durability_disk *)vfs;
    handle *h = (handle *)file;
    memset(h, 0, sizeof *h);
    h->disk = disk;
    h->real = (sqlite3_file *)(h + 1);
    if (__atomic_load_n(&disk->dead, __ATOMIC_RELAXED)) return SQLITE_CANTOPEN;
    int result = disk->system->xOpen(disk->system, path, h->real, flags, out_flags);
    if (result != SQLITE_OK) return result;
    h->base.pMethods = &methods;
    if (!path || (flags & SQLITE_OPEN_DELETEONCLOSE)) return SQLITE_OK;
    pthread_mutex_lock(&disk->lock);
    record *r = find_record(disk, path);
    int known = r->open != NULL;
    for (size_t i = 0; i < r->sector_count && !known; i++) known = r->sectors[i].before != NULL;
    // What is there when nothing is pending counts as durable.
    if (!known) h->real->pMethods->xFileSize(h->real, &r->durable_size);
    h->record = r;
    h->next = r->open;
    r->open = h;
    pthread_mutex_unlock(&disk->lock);
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
    durability_disk *disk = (durability_disk *)vfs;
    pthread_mutex_lock(&disk->lock);
    int result = disk->dead ? SQLITE_IOERR_DELETE : disk->system->xDelete(disk->system, path, sync_folder);
    if (result == SQLITE_OK) {
        record *r = find_record(disk, path);
        forget_pending(r, 1);
        r->durable_size = 0;
    }
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) {
    sqlite3_vfs *system = ((durability_disk *)vfs)->system;
    return system->xAccess(system, path, flags, out);
}
static int vfs_full_pathname(sqlite3_vfs *vfs, const char *path, int room, char *out) {
    sqlite3_vfs *system = ((durability_disk *)vfs)->system;
    return system->xFullPathname(system, path, room, out);
}
static int vfs_randomness(sqlite3_vfs *vfs, int count, char *out) {
    sqlite3_vfs *system = ((durability_disk *)vfs)->system;
    return system->xRandomness(system, count, out);
}
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    sqlite3_vfs *system = ((durability_disk *)vfs)->system;
    return system->xSleep(system, microseconds);
}
static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out) {
    sqlite3_vfs *system = ((durability_disk *)vfs)->system;
    return system->xCurrentTimeInt64(system, out);
}
static int vfs_last_error(sqlite3_vfs *vfs, int room, char *out) {
    sqlite3_vfs *system = ((durability_disk *)vfs)->system;
    return system->xGetLastError ? system->xGetLastError(system, room, out) : 0;
}

// --- What tests call

durability_disk *durability_new(const char *name) {
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    durability_disk *disk = calloc(1, sizeof *disk);
    if (!system || !disk) abort();
    disk->system = system;
    pthread_mutex_init(&disk->lock, NULL);
    disk->space = -1;
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(handle) + system->szOsFile,
        .mxPathname = system->mxPathname,
        .zName = strdup(name),
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_pathname,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    if (sqlite3_vfs_register(&disk->vfs, 0) != SQLITE_OK) abort();
    return disk;
}

#define LOCKED(body)                     \
    pthread_mutex_lock(&disk->lock);     \
    body;                                \
    pthread_mutex_unlock(&disk->lock)

void durability_cut_power(durability_disk *disk, int how, uint64_t seed) { LOCKED(cut_power_locked(disk, how, seed)); }

void durability_cut_power_at(durability_disk *disk, long n, int how, uint64_t seed) {
    LOCKED(disk->cut_in = n; disk->cut_how = how; disk->cut_seed = seed);
}

void durability_restore_power(durability_disk *disk) { LOCKED(__atomic_store_n(&disk->dead, 0, __ATOMIC_RELAXED); disk->cut_in = 0); }

int durability_has_power(durability_disk *disk) {
    LOCKED(int dead = disk->dead);
    return !dead;
}

void durability_fail_write(durability_disk *disk, long n, int lasting) {
    LOCKED(disk->fail_write_in = n; disk->fail_write_lasting = lasting);
}

void durability_fail_sync(durability_disk *disk, long n, int lasting) {
    LOCKED(disk->fail_sync_in = n; disk->fail_sync_lasting = lasting);
}

void durability_set_space(durability_disk *disk, int64_t bytes) { LOCKED(disk->space = bytes); }

long durability_writes(durability_disk *disk) {
    LOCKED(long n = disk->writes);
    return n;
}

long durability_syncs(durability_disk *disk) {
    LOCKED(long n = disk->syncs);
    return n;
}
