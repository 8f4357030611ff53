//! The command as its users meet it: real processes in folders of their own.

mod commands;
mod doctor;
mod help;
mod importing;
mod interrupts;
mod keeping;
mod listing;
mod manual;
mod support;
mod wrong_inputs;
