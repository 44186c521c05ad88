/* Loaded into a courier by LD_PRELOAD; nothing to call. */
