#pragma once
// A disk that forgets: a SQLite VFS over the system's, for tests of what survives a power cut.
//
// Files hold their newest bytes, so connections see each other as usual; locks and shared memory are the system's own.
// Beside them each disk keeps, for every 512-byte sector written since the last sync of its file, what the sector held
// before. Cutting the power puts those back, all of them or a pseudo-random choice, which tears pages and reorders
// writes as a disk may. Names of files are taken to be durable at once; a new file's bytes are not.
#include <stdint.h>

typedef struct durability_disk durability_disk;

// Registers a VFS called `name`, with a disk of its own. It is never unregistered.
durability_disk *durability_new(const char *name);

// Which unsynced sectors a power cut loses.
enum { DURABILITY_LOSE_ALL = 0, DURABILITY_LOSE_SOME = 1 };

// Cuts the power now: unsynced sectors are lost, every later operation fails until the power is back.
void durability_cut_power(durability_disk *disk, int how, uint64_t seed);

// Cuts the power in the middle of an operation, before its n-th write, sync or truncation from now; 0 is never.
void durability_cut_power_at(durability_disk *disk, long n, int how, uint64_t seed);

// Power is back; to be called when every connection has been closed.
void durability_restore_power(durability_disk *disk);

int durability_has_power(durability_disk *disk);

// The n-th write (sync) from now fails with an I/O error, and all after it when `lasting`; 0 is never. What a failed sync
// did not bring to the disk stays lost even when a later one succeeds, as on Linux.
void durability_fail_write(durability_disk *disk, long n, int lasting);
void durability_fail_sync(durability_disk *disk, long n, int lasting);

// How many bytes the files may still grow; -1 is without a limit.
void durability_set_space(durability_disk *disk, int64_t bytes);

long durability_writes(durability_disk *disk);
long durability_syncs(durability_disk *disk);
