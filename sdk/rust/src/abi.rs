//! What the exports of a module call; [`export!`](crate::export) makes them.

use std::cell::RefCell;

use crate::columns::bytes;
use crate::module::Module;

thread_local! {
    /// Where the engine puts a call's document; words, for their alignment.
    static INPUT: RefCell<Vec<u64>> = RefCell::new(Vec::new());
    /// The answer, until the next call.
    static OUTPUT: RefCell<Vec<u8>> = RefCell::new(Vec::new());
}

pub fn alloc(size: i32) -> i32 {
    let words = match usize::try_from(size) {
        Ok(size) => size / 8 + 1,
        Err(_) => return 0,
    };
    INPUT.with(|input| {
        let mut input = input.borrow_mut();
        if input.len() < words {
            input.resize(words, 0);
        }
        input.as_ptr() as usize as i32
    })
}

/// Reads the document from where the engine has written it; a pointer to
/// anywhere else is refused.
pub fn call(module: &Module, hook: i32, at: i32, length: i32) -> i64 {
    report_panics();
    let answer = INPUT.with(|input| {
        let input = input.borrow();
        let (from, length) = ((at as u32 as usize).wrapping_sub(input.as_ptr() as usize), length as u32 as usize);
        let all = bytes(&input, input.len() * 8);
        match all.get(from..from.wrapping_add(length)) {
            Some(document) => module.call(hook, document),
            None if length == 0 => module.call(hook, &[]),
            None => br#"{"error":{"kind":"invalid","message":"the document is not where gw_alloc put it"}}"#.to_vec(),
        }
    });
    OUTPUT.with(|output| {
        *output.borrow_mut() = answer;
        let output = output.borrow();
        ((output.as_ptr() as usize as i64) << 32) | output.len() as i64
    })
}

/// A panic ends the instance; before that it tells the log why.
fn report_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|info| crate::host::error(&info.to_string()))));
}
