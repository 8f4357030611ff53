//! The command as its users meet it: real processes in separate folders.

mod commands;
mod doctor;
mod help;
mod importing;
mod interrupts;
mod jobs;
mod keeping;
mod listing;
mod manual;
mod methods;
mod states;
mod support;
mod workers;
mod wrong_inputs;
