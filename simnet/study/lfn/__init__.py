"""The study of long fat networks: a plan of points, their runs, a model beside them, a report.

SPDX-License-Identifier: MIT
"""
