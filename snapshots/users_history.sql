{% snapshot users_history %}

{{ config(
    unique_key='user_id',
    strategy='check',
    check_cols=['name', 'email', 'city', 'phone', 'age', 'updated_at'],
    hard_deletes='invalidate',
    file_format='iceberg',
    location_root=gold_base() ~ '/history',
) }}

select
    user_id,
    name,
    email,
    city,
    phone,
    age,
    updated_at
from {{ ref('dim_users') }}

{% endsnapshot %}
