"""Reinforcement learning, in the order of a step of PPO. Knows calls and kernels alone.

    rollout      what was sampled, as tensors
    irm          the reward of a reply by the kind of its error
    advantage    KL-shaped rewards, GAE, whitening
    ppo          the losses, the KL controller
    metrics      what is logged
"""
