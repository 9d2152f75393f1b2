//! Installs what the trainer needs, step by step.

use std::process::Command;

struct Step {
    title: &'static str,
    args: Vec<&'static str>,
}

fn steps() -> Vec<Step> {
    vec![
        Step { title: "NumPy", args: vec!["-m", "pip", "install", "numpy<2"] },
        Step {
            title: "PyTorch",
            args: vec![
                "-m", "pip", "install", "torch==2.3.1", "torchvision==0.18.1", "torchaudio==2.3.1", "xformers",
                "--index-url", "https://download.pytorch.org/whl/cu121",
            ],
        },
        Step { title: "Transformers", args: vec!["-m", "pip", "install", "--upgrade", "transformers", "huggingface_hub"] },
        Step { title: "bitsandbytes", args: vec!["-m", "pip", "install", "bitsandbytes"] },
        Step { title: "Triton", args: vec!["-m", "pip", "install", "triton-windows"] },
        Step { title: "Unsloth", args: vec!["-m", "pip", "install", "unsloth @ git+https://github.com/unslothai/unsloth.git"] },
        Step {
            title: "Training",
            args: vec!["-m", "pip", "install", "trl", "peft", "accelerate", "datasets", "tensorboard"],
        },
    ]
}

fn run(python: &str) -> std::io::Result<()> {
    for step in steps() {
        println!("Installing {}", step.title);
        Command::new(python).args(&step.args).status()?;
    }
    Ok(())
}
