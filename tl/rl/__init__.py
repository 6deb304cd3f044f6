"""Reinforcement learning: the reward, advantages and losses of PPO. Knows calls and kernels alone."""
