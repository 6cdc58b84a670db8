package badger_test

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
	"github.com/gowanus-project/gowanus/engine/store/storetest"
)

func open(t testing.TB, cfg badger.Config) store.Store {
	t.Helper()
	s, err := badger.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, badger.Config{Dir: t.TempDir()})
	})
}

func TestSuiteThroughFailing(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return store.NewFailing(open(t, badger.Config{Dir: t.TempDir()}))
	})
}
