package expr

import "github.com/gowanus-project/gowanus/internal/yamlpos"

func (c *compiler) words(n *yamlpos.Node) node { return c.node(n) }
