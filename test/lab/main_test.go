//go:build lab

package lab_test

import (
	"testing"

	"github.com/gowanus-project/gowanus/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
