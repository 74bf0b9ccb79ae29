//! Runs a contract in the Ethereum virtual machine (revm, Cancun), once.
//!
//! Input: the code of the contract; the call data; the gas limit, u64 little-endian.
//! Public values: the gas used, u64 little-endian; then what the contract returns.
//!
//! A call that does not end well ends the run.
#![no_main]
sp1_zkvm::entrypoint!(main);

use revm::primitives::{AccountInfo, Address, Bytecode, ExecutionResult, SpecId, TxKind};
use revm::{Evm, InMemoryDB};
use sp1_zkvm::io;

const CONTRACT: Address = Address::repeat_byte(0xcc);
const CALLER: Address = Address::repeat_byte(0xaa);

pub fn main() {
    let code = Bytecode::new_raw(io::read_vec().into());
    let call_data = io::read_vec();
    let gas_limit = io::read::<u64>();

    let mut accounts = InMemoryDB::default();
    accounts.insert_account_info(CONTRACT, AccountInfo::from_bytecode(code));
    let mut evm = Evm::builder()
        .with_db(accounts)
        .with_spec_id(SpecId::CANCUN)
        .modify_block_env(|block| block.gas_limit = revm::primitives::U256::from(gas_limit))
        .modify_tx_env(|call| {
            call.caller = CALLER;
            call.transact_to = TxKind::Call(CONTRACT);
            call.data = call_data.into();
            call.gas_limit = gas_limit;
        })
        .build();
    match evm.transact_commit().expect("a valid transaction") {
        ExecutionResult::Success { gas_used, output, .. } => {
            io::commit(&gas_used);
            io::commit_slice(output.data());
        }
        failure => panic!("{failure:?}"),
    }
}
