;; A module without any library: a placement strategy that prefers the host with
;; the fewest containers. It shows how little the contract of sdk/ABI.md needs.
;;
;;     wat2wasm -o build/fewest.wasm fewest.wat
(module
  (memory (export "memory") 1)

  ;; What it says of itself, and of hooks that it does not know.
  (data (i32.const 16)
    "{\"name\": \"fewest\", \"version\": \"1.0.0\", \"abi\": [1, 1], \"capabilities\": [], \"types\": [{"
    "\"name\": \"org.example.Fewest\", \"kind\": \"strategy\", \"description\": \"prefers hosts with few containers\", "
    "\"columns\": [\"containers\"]}]}")
  (global $description i64 (i64.const 0x00000010_000000d7)) ;; address and length
  (data (i32.const 256) "{\"error\": {\"kind\": \"not-found\", \"message\": \"fewest knows no such hook\"}}")
  (global $unknown i64 (i64.const 0x00000100_00000048))
  (data (i32.const 384) "{\"error\": {\"kind\": \"invalid\", \"message\": \"placement: expected columns of version 1\"}}")
  (global $invalid i64 (i64.const 0x00000180_00000055))

  ;; The document stands here, the answer behind it.
  (global $input i32 (i32.const 1024))

  ;; reserve makes the memory reach up to an address.
  (func $reserve (param $end i32)
    (local $missing i32)
    (local.set $missing (i32.sub (i32.shr_u (i32.add (local.get $end) (i32.const 0xffff)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable)))))

  (func $round8 (param $n i32) (result i32)
    (i32.and (i32.add (local.get $n) (i32.const 7)) (i32.const -8)))

  (func (export "gw_abi") (result i32) (i32.const 1))

  (func (export "gw_alloc") (param $size i32) (result i32)
    (call $reserve (i32.add (global.get $input) (local.get $size)))
    (global.get $input))

  (func (export "gw_call") (param $hook i32) (param $at i32) (param $length i32) (result i64)
    (if (i32.eqz (local.get $hook)) (then (return (global.get $description))))
    (if (i32.ne (local.get $hook) (i32.const 6)) (then (return (global.get $unknown))))
    (call $rank (local.get $at) (local.get $length)))

  ;; containers gives the address of that column's numbers, or 0.
  (func $containers (param $at i32) (result i32)
    (local $entry i32) (local $end i32) (local $name i32)
    (local.set $entry (i32.add (local.get $at) (i32.const 32)))
    (local.set $end (i32.add (local.get $entry) (i32.shl (i32.load offset=12 (local.get $at)) (i32.const 5))))
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $entry) (local.get $end)))
        (local.set $name (i32.add (local.get $at) (i32.load offset=4 (local.get $entry))))
        (if (i32.and (i32.eq (i32.load (local.get $entry)) (i32.const 1)) ;; f64
                     (i32.eq (i32.load offset=8 (local.get $entry)) (i32.const 10)))
          (then
            (if (i32.and (i64.eq (i64.load (local.get $name)) (i64.const 0x656e6961746e6f63)) ;; "containe"
                         (i32.eq (i32.load16_u offset=8 (local.get $name)) (i32.const 0x7372)))   ;; "rs"
              (then (return (i32.add (local.get $at) (i32.load offset=12 (local.get $entry))))))))
        (local.set $entry (i32.add (local.get $entry) (i32.const 32)))
        (br $next)))
    (i32.const 0))

  (func $rank (param $at i32) (param $length i32) (result i64)
    (local $n i32) (local $out i32) (local $index i32) (local $table i32) (local $column i32) (local $i i32) (local $score f64)
    (if (i32.lt_u (local.get $length) (i32.const 32)) (then (return (global.get $invalid))))
    (if (i64.ne (i64.load (local.get $at)) (i64.const 0x0000000143505747)) ;; "GWPC", 1
      (then (return (global.get $invalid))))
    (local.set $n (i32.load offset=8 (local.get $at)))
    (local.set $column (call $containers (local.get $at)))
    (local.set $out (call $round8 (i32.add (local.get $at) (local.get $length))))
    (local.set $index (i32.add (i32.const 32) (i32.shl (local.get $n) (i32.const 3))))
    (local.set $table (call $round8 (i32.add (local.get $index) (i32.shl (local.get $n) (i32.const 1)))))
    (call $reserve (i32.add (local.get $out) (local.get $table)))
    (memory.fill (local.get $out) (i32.const 0) (local.get $table))

    (i64.store (local.get $out) (i64.const 0x0000000152505747)) ;; "GWPR", 1
    (i32.store offset=8 (local.get $out) (local.get $n))
    (i32.store offset=16 (local.get $out) (i32.const 32)) ;; scores; there are no reasons
    (i32.store offset=20 (local.get $out) (local.get $index))
    (i32.store offset=24 (local.get $out) (local.get $table))
    (i32.store offset=28 (local.get $out) (local.get $table))

    (block $done
      (br_if $done (i32.eqz (local.get $column)))
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $score (f64.neg (f64.load (i32.add (local.get $column) (i32.shl (local.get $i) (i32.const 3))))))
        ;; NaN, a host without a value, keeps the score 0: as a score it would refuse the host
        (if (f64.eq (local.get $score) (local.get $score))
          (then (f64.store offset=32 (i32.add (local.get $out) (i32.shl (local.get $i) (i32.const 3))) (local.get $score))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $out)) (i64.const 32)) (i64.extend_i32_u (local.get $table)))))
