package badger

// ForgetTables takes Badger's list of tables out of the mark of a store, so
// that tests can put together states that are hard to hit.
func ForgetTables(dir string) error {
	k, m, err := openMark(dir)
	if err != nil {
		return err
	}
	m.manifest = fingerprint{}
	if err := k.write(m); err != nil {
		return err
	}
	return k.close()
}

// WithFree gives the configuration another answer to how much is free.
func (c Config) WithFree(free func() int64) Config {
	c.free = func(string) (int64, error) { return free(), nil }
	return c
}

// WithSchema gives the configuration another newest schema and migrations.
func (c Config) WithSchema(newest uint32, migrations map[uint32]Migration) Config {
	c.schema = newest
	c.migrations = map[uint32]migration{}
	for from, m := range migrations {
		c.migrations[from] = migration(m)
	}
	return c
}

// Migration is migration, for tests.
type Migration migration

// WithWritten calls fn after each group that is written.
func (c Config) WithWritten(fn func()) Config {
	c.written = func(position) { fn() }
	return c
}

// WithLocked calls fn before Open waits for the directory.
func (c Config) WithLocked(fn func()) Config {
	c.locked = fn
	return c
}

// WithCollected calls fn after old values were collected.
func (c Config) WithCollected(fn func()) Config {
	c.collected = fn
	return c
}
