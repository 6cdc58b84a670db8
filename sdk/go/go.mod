module github.com/gowanus-project/gowanus/sdk/go

go 1.24.0
