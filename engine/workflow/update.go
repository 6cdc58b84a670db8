package workflow

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// updateTag marks the children that a step update-children made: they are its
// to delete.
const updateTag = "update-children"

// updating is one run of update-children.
type updating struct {
	*exec
	parent *entity.Entity
	id     *expr.Template
	mark   string // what tells this list's children from those of others
	hooks  map[string]*step.Workflow
}

// update brings the children of an entity in line with a list.
func (x *exec) update(ctx context.Context) error {
	u, items, err := x.updating(ctx)
	if err != nil {
		return err
	}
	listed := map[*entity.Entity]bool{}
	for i, item := range items {
		child, err := u.item(ctx, i, item)
		if err != nil {
			return err
		}
		listed[child] = true
	}
	for i, child := range u.parent.Children() {
		if listed[child] || !u.made(child) {
			continue
		}
		if err := u.remove(ctx, i, child); err != nil {
			return err
		}
	}
	return nil
}

func (x *exec) updating(ctx context.Context) (*updating, []any, error) {
	u := &updating{exec: x, parent: x.f.ent, hooks: map[string]*step.Workflow{}}
	if x.given("parent") {
		v, err := x.arg(ctx, "parent")
		if err != nil {
			return nil, nil, err
		}
		p, ok := x.f.find(v).(*entity.Entity)
		if !ok {
			return nil, nil, fault.New(fault.NotFound, "update-children: No entity matching id '%v'", v)
		}
		u.parent = p
	}
	id := x.s.Args["identifier_expression"].Raw
	if id == nil {
		return nil, nil, fault.New(fault.Invalid, "update-children: expected an expression for the id, such as ${item.id}")
	}
	var err error
	if u.id, err = x.f.def.Operand(id.Any()); err != nil {
		return nil, nil, err
	}
	if _, static := u.id.Constant(); static {
		return nil, nil, fault.New(fault.Invalid, "update-children: id %q must be a non-static expression, such as ${item.id}", id.Text)
	}
	typ, err := x.text(ctx, "type")
	if err != nil {
		return nil, nil, err
	}
	u.mark = id.Text + " " + typ
	for _, key := range []string{"on_create", "on_update", "on_update_child", "on_delete", "creation_check", "deletion_check", "match_check"} {
		n := x.s.Args[key].Raw
		if n == nil || n.Kind == yamlpos.Scalar {
			continue
		}
		if u.hooks[key], err = x.f.w.cfg.Host.Definition(&Record{Scope: x.f.r.Scope, Flow: &Flow{Definition: n.Any()}}); err != nil {
			return nil, nil, fault.Wrap(err, key, "")
		}
	}
	v, err := x.arg(ctx, "items")
	if err != nil {
		return nil, nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, nil, fault.New(fault.Invalid, "update-children: expected items to be a list, not %v", v)
	}
	return u, items, nil
}

// run runs one of the workflows within the step; given tells that there is one.
func (u *updating) run(ctx context.Context, hook string, i int, on *entity.Entity, in *values) (out any, given bool, err error) {
	w := u.hooks[hook]
	if w == nil {
		return nil, false, nil
	}
	r, err := u.child(ctx, w, hook+"-"+strconv.Itoa(i), on, in)
	if err != nil {
		return nil, true, fault.Wrap(err, hook, "")
	}
	return u.f.ent.Tree().Resolve(r.Result), true, nil
}

// item brings one child in line with its item.
func (u *updating) item(ctx context.Context, i int, item any) (*entity.Entity, error) {
	outer := u.input
	defer func() { u.input = outer }()
	u.input = u.input.with("item", item).with("index", int64(i))
	v, err := u.eval(ctx, u.id)
	if err != nil {
		return nil, fault.Wrap(err, "id of item "+strconv.Itoa(i), "")
	}
	id := coerce.Text(v)
	child, err := u.match(ctx, i, id)
	if err != nil {
		return nil, err
	}
	created := child == nil
	if created {
		if child, err = u.create(ctx, i, id); child == nil || err != nil {
			return nil, err
		}
	}
	in := u.input.with("child", child)
	if created {
		if _, _, err := u.run(ctx, "on_create", i, u.parent, in); err != nil {
			return nil, err
		}
	}
	if _, _, err := u.run(ctx, "on_update", i, u.parent, in); err != nil {
		return nil, err
	}
	_, _, err = u.run(ctx, "on_update_child", i, child, in)
	return child, err
}

// match finds the child of an item, nil when there is none.
func (u *updating) match(ctx context.Context, i int, id string) (*entity.Entity, error) {
	v, asked, err := u.run(ctx, "match_check", i, u.parent, u.input)
	if err != nil {
		return nil, err
	}
	if e, is := v.(*entity.Entity); is {
		return e, nil
	}
	if asked && v != true {
		return nil, nil
	}
	for _, c := range u.parent.Children() {
		if c.PlanID() == id || string(c.ID()) == id {
			return c, nil
		}
	}
	return nil, nil
}

// create makes the child of an item, unless the check for that says no.
func (u *updating) create(ctx context.Context, i int, id string) (*entity.Entity, error) {
	v, asked, err := u.run(ctx, "creation_check", i, u.parent, u.input)
	if err != nil || asked && !truthy(v) {
		return nil, err
	}
	plan := map[string]any{}
	if n := u.s.Args["blueprint"].Raw; n != nil {
		filled, err := u.blueprint(ctx, n)
		if err != nil {
			return nil, err
		}
		m, ok := filled.(map[string]any)
		if !ok {
			return nil, fault.New(fault.Invalid, "update-children: expected the blueprint to be a map")
		}
		plan = m
	}
	if typ, err := u.text(ctx, "type"); err != nil {
		return nil, err
	} else if typ != "" {
		plan["type"] = typ
	}
	plan["id"] = id
	tags, _ := plan["brooklyn.tags"].([]any)
	plan["brooklyn.tags"] = append(append([]any{}, tags...), map[string]any{updateTag: u.mark})
	out, err := u.f.w.cfg.Host.Act(u.stepContext(ctx), u.record(), hook.Step{Step: "create-child", Input: map[string]any{
		"entity": entity.Document(u.parent), "blueprint": plan, "index": int64(i),
	}})
	if err != nil {
		return nil, err
	}
	child, _ := u.f.ent.Tree().Resolve(out).(*entity.Entity)
	return child, nil
}

// made tells whether a child was made for this list.
func (u *updating) made(child *entity.Entity) bool {
	for _, tag := range child.Tags() {
		if m, ok := tag.(map[string]any); ok && fmt.Sprint(m[updateTag]) == u.mark {
			return true
		}
	}
	return false
}

// remove deletes a child that is not listed any more, unless the check for
// that says no.
func (u *updating) remove(ctx context.Context, i int, child *entity.Entity) error {
	in := u.input.with("child", child)
	v, asked, err := u.run(ctx, "deletion_check", i, u.parent, in)
	if err != nil || asked && !truthy(v) {
		return err
	}
	if _, _, err := u.run(ctx, "on_delete", i, child, in); err != nil {
		return err
	}
	_, err = u.f.w.cfg.Host.Act(u.stepContext(ctx), u.record(), hook.Step{Step: "delete-entity", Input: map[string]any{"entity": entity.Document(child)}})
	return err
}
