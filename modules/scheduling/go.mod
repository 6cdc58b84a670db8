module github.com/gowanus-project/gowanus/modules/scheduling

go 1.24.0

require github.com/gowanus-project/gowanus/sdk/go v0.0.0

replace github.com/gowanus-project/gowanus/sdk/go => ../../sdk/go
