package scaffold

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/modules"
)

// sdkVersion is the version of the libraries that go with this program.
const sdkVersion = "v1.0.0"

// libraries says where the library of a language stands in a project.
var libraries = map[string]string{"go": "vendor/" + goLibrary, "c": "gowanus", "rust": "gowanus", "assemblyscript": "gowanus"}

const goLibrary = "github.com/gowanus-project/gowanus/sdk/go"

// library gives the files of a language's library, by their places in a
// project.
func library(language string) (map[string][]byte, error) {
	root, err := modules.Library(language)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%w: %w", errNoLibrary, err)
	}
	files := map[string][]byte{}
	err = fs.WalkDir(root, ".", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[path.Join(libraries[language], file)], err = fs.ReadFile(root, file)
		return err
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "read the library: %w", err)
	}
	if language == "go" {
		files["vendor/modules.txt"] = fmt.Appendf(nil, "# %[1]s %[2]s\n## explicit; go 1.24.0\n%[1]s/gowanus\n%[1]s/gowanus/internal/wire\n%[1]s/gowanustest\n", goLibrary, sdkVersion)
	}
	return files, nil
}
