module github.com/gowanus-project/gowanus/sdk/moduletest/scenario/testdata/guest

go 1.26.0

require github.com/gowanus-project/gowanus/sdk/go v0.0.0

replace github.com/gowanus-project/gowanus/sdk/go => ../../../../go
